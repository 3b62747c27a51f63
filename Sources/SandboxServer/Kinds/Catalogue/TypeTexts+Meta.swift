/// The texts of the type table, one for each family of kinds; ``TypeTable`` explains the notation.
enum TypeTexts {
    /// All of them.
    static let all = [meta, core, pods, podParts, volumes, workloads, scaling, network, access, extensions]

    /// Types that every kind uses.
    static let meta = """
        # io.k8s.apimachinery.pkg.apis.meta.v1
        ObjectMeta | the name, the place and the history of an object
         annotations {string}
         creationTimestamp time
         deletionGracePeriodSeconds int64*
         deletionTimestamp time*
         finalizers [string] set merge | who has to act before it may go
         generateName string
         generation int64
         labels {string}
         managedFields [ManagedFieldsEntry] atomic
         name string | the name
         namespace string | the namespace
         ownerReferences [OwnerReference] map(uid) merge(uid)
         resourceVersion string | the version of the object
         selfLink string
         uid string | the unique id
        OwnerReference atomic | an object that this one belongs to
         apiVersion? string ="" | group and version
         blockOwnerDeletion bool*
         controller bool*
         kind? string ="" | the kind
         name? string ="" | the name
         uid? string ="" | the unique id
        ManagedFieldsEntry | the fields that one manager set
         apiVersion string | group and version
         fieldsType string
         fieldsV1 object*
         manager string
         operation string
         subresource string | the subresource
         time time*
        LabelSelector atomic | selects objects by labels; empty selects all
         matchExpressions [LabelSelectorRequirement] atomic | conditions that all have to hold
         matchLabels {string} | labels that have to be equal
        Condition | one observation, true, false or unknown
         lastTransitionTime? time null | when the status last changed
         message? string ="" | a sentence for people
         observedGeneration int64 | the generation that was seen when this was written
         reason? string ="" | one word for programs
         status? string ="" | True, False or Unknown
         type? string ="" | the name of the condition
        LabelSelectorRequirement | one condition on a label
         key? string ="" | the key
         operator? string ="" | how key and values are compared
         values [string] atomic | what the key is compared with
        DeleteOptions kind | how to delete
         dryRun [string] atomic
         gracePeriodSeconds int64*
         ignoreStoreReadErrorWithClusterBreakingPotential bool*
         orphanDependents bool*
         preconditions Preconditions
         propagationPolicy string*
        Preconditions | what has to be true for the deletion
         resourceVersion string* | the version of the object
         uid string* | the unique id
        FieldSelectorRequirement
         key? string ="" | the key
         operator? string ="" | how key and values are compared
         values [string] atomic | what the key is compared with
        Status kind | the answer when there is no object to return
         code int32
         details StatusDetails
         message string | a sentence for people
         metadata ListMeta ={}
         reason string | one word for programs
         status string | what is observed
        ListMeta | what lists have in place of ObjectMeta
         continue string
         remainingItemCount int64*
         resourceVersion string | the version of the object
         selfLink string
         shardInfo ShardInfo
        StatusDetails | what the answer is about
         causes [StatusCause] atomic
         group string | the API group
         kind string | the kind
         name string | the name
         retryAfterSeconds int32
         uid string | the unique id
        ShardInfo
         selector? string ="" | which objects belong to it
        StatusCause | one of several reasons
         field string
         message string | a sentence for people
         reason string | one word for programs
        """
}
