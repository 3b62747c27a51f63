/// The texts of the type table, one for each family of kinds.
enum TypeTexts {
    /// Types that every kind uses.
    static let meta = """
        ObjectMeta | what every object has: its name, its place and its history
         annotations {string} | free text for tools
         creationTimestamp time | when the server created it
         deletionGracePeriodSeconds int64 | the seconds that a deletion waits
         deletionTimestamp time | when the deletion was asked for, plus the grace period
         finalizers [string] set merge | who has to act before the object may go
         generateName string | the server appends random letters to this when name is empty
         generation int64 | counts the changes of the wanted state
         labels {string} | what selectors select by
         managedFields [ManagedFieldsEntry] atomic | who owns which fields
         name string | unique for the kind within the namespace
         namespace string | where the object lives
         ownerReferences [OwnerReference] map(uid) merge(uid) | the objects that this one goes with
         resourceVersion string | changes with every write; opaque
         selfLink string | no longer filled in
         uid string | identifies this object for all time
        ManagedFieldsEntry | the fields that one manager set in one way
         apiVersion string | the version that the paths are in
         fieldsType string | FieldsV1
         fieldsV1 object | the set of field paths
         manager string | who
         operation string | Apply or Update
         subresource string | through which subresource; empty for the object itself
         time time | when the set last changed
        OwnerReference atomic | an owner in the same namespace or of the cluster
         apiVersion! string | group and version of the owner
         blockOwnerDeletion bool | foreground deletion of the owner waits for this object
         controller bool | whether the owner is the managing controller
         kind! string | of the owner
         name! string | of the owner
         uid! string | of the owner
        ListMeta | what lists have in place of ObjectMeta
         continue string | the token for the next page
         remainingItemCount int64 | how many objects follow on later pages
         resourceVersion string | the version of the snapshot
         selfLink string | no longer filled in
        """
}
