extension TypeTexts {
    /// CustomResourceDefinitions.
    static let extensions = """
        # io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1
        CustomResourceDefinition kind | adds a kind to the API
         metadata ObjectMeta ={}
         spec? CustomResourceDefinitionSpec ={} | what is wanted
         status CustomResourceDefinitionStatus ={} | what is observed
        CustomResourceDefinitionSpec
         conversion CustomResourceConversion ={"strategy":"None"} | how versions are converted
         group? string ="" | the API group
         names? CustomResourceDefinitionNames ={} | the names of the resource
         preserveUnknownFields bool
         scope? string ="" | Namespaced or Cluster
         versions? [CustomResourceDefinitionVersion] null atomic | the versions of the API
        CustomResourceDefinitionStatus
         acceptedNames CustomResourceDefinitionNames ={} | the names that are served
         conditions [CustomResourceDefinitionCondition] null map(type) | the latest observations, one for each type
         observedGeneration int64 | the generation that was seen when this was written
         storedVersions [string] null atomic | versions in which objects may be stored
        CustomResourceDefinitionNames
         categories [string] atomic | groups of resources, as all
         kind? string ="" | the kind
         listKind string | the kind of lists
         plural? string ="" | the name in paths
         shortNames [string] atomic | short names for kubectl
         singular string | the name in messages
        CustomResourceDefinitionVersion | one version of a kind
         additionalPrinterColumns [CustomResourceColumnDefinition] atomic | the columns of kubectl get
         deprecated bool | whether users of this version are warned
         deprecationWarning string* | the text of the warning
         name? string ="" | as v1
         schema CustomResourceValidation | the shape of the objects
         selectableFields [SelectableField] atomic | fields for field selectors
         served? bool =false | whether this version is served
         storage? bool =false | whether objects are stored in this version
         subresources CustomResourceSubresources | status and scale
        CustomResourceConversion
         strategy? string ="" | how it is done
         webhook WebhookConversion
        CustomResourceDefinitionCondition
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         observedGeneration int64 | the generation that was seen when this was written
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        CustomResourceValidation
         openAPIV3Schema JSONSchemaProps | the shape of the objects
        CustomResourceSubresources
         scale CustomResourceSubresourceScale
         status CustomResourceSubresourceStatus | what is observed
        CustomResourceColumnDefinition | a column of kubectl get
         description string | for people
         format string
         jsonPath? string ="" | where the value is
         name? string ="" | the name
         priority int32 | 0 always, above only with wide output
         type? string ="" | string, integer, number, boolean or date
        SelectableField
         jsonPath? string ="" | where the value is
        WebhookConversion
         clientConfig WebhookClientConfig
         conversionReviewVersions? [string] null atomic
        JSONSchemaProps | a JSON schema
         $ref string*
         $schema string
         additionalItems any*
         additionalProperties any*
         allOf [JSONSchemaProps] atomic
         anyOf [JSONSchemaProps] atomic
         default any*
         definitions {JSONSchemaProps}
         dependencies {any}
         description string | for people
         enum [any] atomic
         example any*
         exclusiveMaximum bool
         exclusiveMinimum bool
         externalDocs ExternalDocumentation
         format string
         id string
         items any* | which keys become files; all when empty
         maxItems int64*
         maxLength int64*
         maxProperties int64*
         maximum double*
         minItems int64*
         minLength int64*
         minProperties int64*
         minimum double*
         multipleOf double*
         not JSONSchemaProps
         nullable bool
         oneOf [JSONSchemaProps] atomic
         pattern string
         patternProperties {JSONSchemaProps}
         properties {JSONSchemaProps}
         required [string] atomic
         title string
         type string
         uniqueItems bool
         x-kubernetes-embedded-resource bool
         x-kubernetes-int-or-string bool
         x-kubernetes-list-map-keys [string] atomic
         x-kubernetes-list-type string*
         x-kubernetes-map-type string*
         x-kubernetes-preserve-unknown-fields bool*
         x-kubernetes-validations [ValidationRule] map(rule) merge(rule)
        CustomResourceSubresourceStatus
        CustomResourceSubresourceScale
         labelSelectorPath string* | where the selector is
         specReplicasPath? string ="" | where the wanted number is
         statusReplicasPath? string ="" | where the present number is
        WebhookClientConfig
         caBundle bytes
         service ServiceReference
         url string*
        ExternalDocumentation
         description string | for people
         url string
        ValidationRule
         fieldPath string | the path of the field
         message string | a sentence for people
         messageExpression string
         optionalOldSelf bool*
         reason string* enum(FieldValueDuplicate,FieldValueForbidden,FieldValueInvalid,FieldValueRequired) | one word for programs
         rule? string =""
        ServiceReference
         name? string ="" | the name
         namespace? string ="" | the namespace
         path string* | the path
         port int32* =443 | the number or the name of the port
        """
}
