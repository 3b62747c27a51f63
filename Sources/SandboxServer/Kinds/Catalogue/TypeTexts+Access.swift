extension TypeTexts {
    /// Roles, and the questions about tokens and rights.
    static let access = """
        # io.k8s.api.rbac.v1
        ClusterRole kind | rights in all namespaces
         aggregationRule AggregationRule | the roles that make up this one
         metadata ObjectMeta ={}
         rules [PolicyRule] null atomic | the rules
        ClusterRoleBinding kind | gives rights in all namespaces
         metadata ObjectMeta ={}
         roleRef? RoleRef ={} | the role that is given
         subjects [Subject] atomic | who gets the rights
        Role kind | rights in a namespace
         metadata ObjectMeta ={}
         rules [PolicyRule] null atomic | the rules
        RoleBinding kind | gives rights in a namespace
         metadata ObjectMeta ={}
         roleRef? RoleRef ={} | the role that is given
         subjects [Subject] atomic | who gets the rights
        PolicyRule | some rights
         apiGroups [string] atomic | of which API groups; empty text is the core group
         nonResourceURLs [string] atomic | paths that are no resources
         resourceNames [string] atomic | only these names; all when empty
         resources [string] atomic | what is requested and what is the limit
         verbs? [string] null atomic | what may be done
        AggregationRule
         clusterRoleSelectors [LabelSelector] atomic
        Subject atomic | a user, a group or a service account
         apiGroup string
         kind? string ="" | the kind
         name! string | the name
         namespace string | the namespace
        RoleRef atomic | names a role
         apiGroup string ="rbac.authorization.k8s.io"
         kind? string ="" | the kind
         name! string | the name
        # io.k8s.api.authentication.v1
        TokenRequest kind | asks for a token of a service account
         metadata ObjectMeta ={}
         spec TokenRequestSpec ={} | what is wanted
         status TokenRequestStatus ={} | what is observed
        TokenReview kind | asks whether a token is good
         metadata ObjectMeta ={}
         spec? TokenReviewSpec ={} | what is wanted
         status TokenReviewStatus ={} | what is observed
        SelfSubjectReview kind | asks who one is
         metadata ObjectMeta ={}
         status SelfSubjectReviewStatus ={} | what is observed
        TokenRequestSpec
         audiences [string] null atomic | for whom the token is good
         boundObjectRef BoundObjectReference
         expirationSeconds int64* =3600 | how long it is valid
        TokenRequestStatus
         expirationTimestamp time null
         token string ="" | the token
        TokenReviewSpec
         audiences [string] atomic | for whom the token is good
         token? string | the token
        TokenReviewStatus
         audiences [string] atomic | for whom the token is good
         authenticated bool
         error string
         user UserInfo ={} | the user
        SelfSubjectReviewStatus
         userInfo UserInfo ={}
        BoundObjectReference
         apiVersion string | group and version
         kind string | the kind
         name string | the name
         uid string | the unique id
        UserInfo
         extra {[string]} | more facts about the user
         groups [string] atomic | the groups of the user
         uid string | the unique id
         username string
        # io.k8s.api.authorization.v1
        SubjectAccessReview kind | asks whether someone may do something
         metadata ObjectMeta ={}
         spec? SubjectAccessReviewSpec ={} | what is wanted
         status SubjectAccessReviewStatus ={} | what is observed
        SelfSubjectAccessReview kind | asks whether one may do something
         metadata ObjectMeta ={}
         spec? SelfSubjectAccessReviewSpec ={} | what is wanted
         status SubjectAccessReviewStatus ={} | what is observed
        LocalSubjectAccessReview kind | asks whether someone may do something in a namespace
         metadata ObjectMeta ={}
         spec? SubjectAccessReviewSpec ={} | what is wanted
         status SubjectAccessReviewStatus ={} | what is observed
        SelfSubjectRulesReview kind | asks what one may do in a namespace
         metadata ObjectMeta ={}
         spec? SelfSubjectRulesReviewSpec ={} | what is wanted
         status SubjectRulesReviewStatus ={} | what is observed
        SubjectAccessReviewSpec
         extra {[string]} | more facts about the user
         groups [string] atomic | the groups of the user
         nonResourceAttributes NonResourceAttributes
         resourceAttributes ResourceAttributes
         uid string | the unique id
         user string | the user
        SubjectAccessReviewStatus
         allowed? bool =false | whether it may be done
         denied bool | whether it is forbidden, whatever others say
         evaluationError string | what went wrong while deciding
         reason string | one word for programs
        SelfSubjectAccessReviewSpec
         nonResourceAttributes NonResourceAttributes
         resourceAttributes ResourceAttributes
        SelfSubjectRulesReviewSpec
         namespace string | the namespace
        SubjectRulesReviewStatus
         evaluationError string | what went wrong while deciding
         incomplete? bool =false
         nonResourceRules? [NonResourceRule] null atomic
         resourceRules? [ResourceRule] null atomic
        ResourceAttributes
         fieldSelector FieldSelectorAttributes
         group string | the API group
         labelSelector LabelSelectorAttributes | which pods are meant
         name string | the name
         namespace string | the namespace
         resource string | the resource
         subresource string | the subresource
         verb string | what is to be done
         version string
        NonResourceAttributes
         path string | the path
         verb string | what is to be done
        ResourceRule
         apiGroups [string] atomic | of which API groups; empty text is the core group
         resourceNames [string] atomic | only these names; all when empty
         resources [string] atomic | what is requested and what is the limit
         verbs? [string] null atomic | what may be done
        NonResourceRule
         nonResourceURLs [string] atomic | paths that are no resources
         verbs? [string] null atomic | what may be done
        FieldSelectorAttributes
         rawSelector string
         requirements [FieldSelectorRequirement] atomic
        LabelSelectorAttributes
         rawSelector string
         requirements [LabelSelectorRequirement] atomic
        """
}
