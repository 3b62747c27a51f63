extension TypeTexts {
    /// The kinds of `apps` and `batch`.
    static let workloads = """
        # io.k8s.api.apps.v1
        ControllerRevision kind | a stored revision of a template
         data object null | the template
         metadata ObjectMeta ={}
         revision? int64 =0 | the number of the revision
        DaemonSet kind | runs a pod on every node
         metadata ObjectMeta ={}
         spec DaemonSetSpec ={} | what is wanted
         status DaemonSetStatus ={} | what is observed
        Deployment kind | keeps pods running and updates them step by step
         metadata ObjectMeta ={}
         spec DeploymentSpec ={} | what is wanted
         status DeploymentStatus ={} | what is observed
        ReplicaSet kind | keeps a number of equal pods
         metadata ObjectMeta ={}
         spec ReplicaSetSpec ={} | what is wanted
         status ReplicaSetStatus ={} | what is observed
        StatefulSet kind | pods with fixed names and storage
         metadata ObjectMeta ={}
         spec StatefulSetSpec ={} | what is wanted
         status StatefulSetStatus ={} | what is observed
        DaemonSetSpec
         minReadySeconds int32 | how long a new pod has to be ready to count as available
         revisionHistoryLimit int32* =10 | how many old revisions to keep
         selector! LabelSelector | which objects belong to it
         template? PodTemplateSpec ={} | the pods that are made
         updateStrategy DaemonSetUpdateStrategy ={} | how pods are replaced when the template changes
        DaemonSetStatus
         collisionCount int32* | how often a generated name was taken already
         conditions [DaemonSetCondition] map(type) merge(type) | the latest observations, one for each type
         currentNumberScheduled? int32 =0 | nodes that run the pod and should
         desiredNumberScheduled? int32 =0 | nodes that should run the pod
         numberAvailable int32 | nodes with an available pod
         numberMisscheduled? int32 =0 | nodes that run the pod and should not
         numberReady? int32 =0 | nodes with a ready pod
         numberUnavailable int32 | nodes without an available pod
         observedGeneration int64 | the generation that was seen when this was written
         updatedNumberScheduled int32 | nodes with the newest pod
        DeploymentSpec | what a deployment keeps running
         minReadySeconds int32 | how long a new pod has to be ready to count as available
         paused bool | whether changes of the template are held back
         progressDeadlineSeconds int32* =600 | the time after which an update without progress has failed
         replicas int32* =1 | the number of pods
         revisionHistoryLimit int32* =10 | how many old revisions to keep
         selector! LabelSelector | the pods of the deployment; has to fit the template's labels
         strategy DeploymentStrategy ={} retainKeys | how pods are replaced when the template changes
         template? PodTemplateSpec ={} | the pods that are made
        DeploymentStatus | how far a deployment is
         availableReplicas int32 | pods that are ready for minReadySeconds
         collisionCount int32* | how often a generated name was taken already
         conditions [DeploymentCondition] map(type) merge(type) | the latest observations, one for each type
         observedGeneration int64 | the generation that was seen when this was written
         readyReplicas int32 | pods that are ready
         replicas int32 | the number of pods
         terminatingReplicas int32* | pods that are being deleted
         unavailableReplicas int32 | pods that are still missing or not available
         updatedReplicas int32 | pods of the newest template
        ReplicaSetSpec
         minReadySeconds int32 | how long a new pod has to be ready to count as available
         replicas int32* =1 | the number of pods
         selector! LabelSelector | which objects belong to it
         template PodTemplateSpec ={} | the pods that are made
        ReplicaSetStatus
         availableReplicas int32 | pods that are ready for minReadySeconds
         conditions [ReplicaSetCondition] map(type) merge(type) | the latest observations, one for each type
         fullyLabeledReplicas int32 | pods with all labels of the template
         observedGeneration int64 | the generation that was seen when this was written
         readyReplicas int32 | pods that are ready
         replicas? int32 =0 | the number of pods
         terminatingReplicas int32* | pods that are being deleted
        StatefulSetSpec
         minReadySeconds int32 | how long a new pod has to be ready to count as available
         ordinals StatefulSetOrdinals
         persistentVolumeClaimRetentionPolicy StatefulSetPersistentVolumeClaimRetentionPolicy* ={} | what happens to the claims
         podManagementPolicy string ="OrderedReady" enum(OrderedReady,Parallel) | OrderedReady, or Parallel
         replicas int32* =1 | the number of pods
         revisionHistoryLimit int32* =10 | how many old revisions to keep
         selector! LabelSelector | which objects belong to it
         serviceName string ="" | the headless Service of the pods
         template? PodTemplateSpec ={} | the pods that are made
         updateStrategy StatefulSetUpdateStrategy ={} | how pods are replaced when the template changes
         volumeClaimTemplates [PersistentVolumeClaim] atomic | the claims that every pod gets
        StatefulSetStatus
         availableReplicas int32 =0 | pods that are ready for minReadySeconds
         collisionCount int32* | how often a generated name was taken already
         conditions [StatefulSetCondition] map(type) merge(type) | the latest observations, one for each type
         currentReplicas int32 | pods of the current revision
         currentRevision string | the revision of the pods that are not updated
         observedGeneration int64 | the generation that was seen when this was written
         readyReplicas int32 | pods that are ready
         replicas? int32 =0 | the number of pods
         updateRevision string | the revision of the newest template
         updatedReplicas int32 | pods of the newest template
        DaemonSetUpdateStrategy
         rollingUpdate RollingUpdateDaemonSet | how fast the update goes, for the type RollingUpdate
         type string ="RollingUpdate" enum(OnDelete,RollingUpdate) | OnDelete or RollingUpdate
        DaemonSetCondition
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        DeploymentStrategy | Recreate, or RollingUpdate
         rollingUpdate RollingUpdateDeployment | how fast the update goes, for the type RollingUpdate
         type string ="RollingUpdate" enum(Recreate,RollingUpdate) | Recreate or RollingUpdate
        DeploymentCondition
         lastTransitionTime time null | when the status last changed
         lastUpdateTime time null | when it was last written
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        ReplicaSetCondition
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        StatefulSetUpdateStrategy
         rollingUpdate RollingUpdateStatefulSetStrategy | how fast the update goes, for the type RollingUpdate
         type string ="RollingUpdate" enum(OnDelete,RollingUpdate) | OnDelete or RollingUpdate
        StatefulSetPersistentVolumeClaimRetentionPolicy
         whenDeleted string ="Retain"
         whenScaled string ="Retain"
        StatefulSetOrdinals
         start int32 =0
        StatefulSetCondition
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        RollingUpdateDaemonSet
         maxSurge intOrString* =0 | number or percentage of pods above the wanted number
         maxUnavailable intOrString* =1 | number or percentage of pods that may be missing
        RollingUpdateDeployment
         maxSurge intOrString* ="25%" | number or percentage of pods above the wanted number
         maxUnavailable intOrString* ="25%" | number or percentage of pods that may be missing
        RollingUpdateStatefulSetStrategy
         maxUnavailable intOrString* | number or percentage of pods that may be missing
         partition int32* =0 | pods with a lower number keep the old template
        # io.k8s.api.batch.v1
        CronJob kind | makes jobs at set times
         metadata ObjectMeta ={}
         spec? CronJobSpec ={} | what is wanted
         status CronJobStatus ={} | what is observed
        Job kind | runs pods until they succeed
         metadata ObjectMeta ={}
         spec JobSpec ={} | what is wanted
         status JobStatus ={} | what is observed
        CronJobSpec
         concurrencyPolicy string ="Allow" enum(Allow,Forbid,Replace) | Allow, Forbid or Replace
         failedJobsHistoryLimit int32* =1 | how many failed jobs are kept
         jobTemplate? JobTemplateSpec ={} | the jobs that are made
         schedule! string | when to run, in cron format
         startingDeadlineSeconds int64* | how late a run may start
         successfulJobsHistoryLimit int32* =3 | how many successful jobs are kept
         suspend bool* =false | whether it is paused
         timeZone string* | the time zone of the schedule
        CronJobStatus
         active [ObjectReference] atomic | what is running now
         lastScheduleTime time* | when a run was last started
         lastSuccessfulTime time* | when a run last succeeded
        JobSpec
         activeDeadlineSeconds int64* | the time after which it is stopped as failed
         backoffLimit int32* | failures after which the job has failed
         backoffLimitPerIndex int32*
         completionMode string* enum(Indexed,NonIndexed) | NonIndexed or Indexed
         completions int32* | how many pods have to succeed
         managedBy string*
         manualSelector bool*
         maxFailedIndexes int32*
         parallelism int32* | how many pods may run at once
         podFailurePolicy PodFailurePolicy | what failures of pods mean for the job
         podReplacementPolicy string* enum(Failed,TerminatingOrFailed) | when a failed pod is replaced
         selector LabelSelector | which objects belong to it
         successPolicy SuccessPolicy
         suspend bool* | whether it is paused
         template? PodTemplateSpec ={} | the pods that are made
         ttlSecondsAfterFinished int32* | how long a finished job is kept
        JobStatus
         active int32 | what is running now
         completedIndexes string
         completionTime time* | when the job was done
         conditions [JobCondition] atomic merge(type) | the latest observations, one for each type
         failed int32 | what ended badly
         failedIndexes string*
         ready int32* | whether it is ready
         startTime time* | when it was started
         succeeded int32 | what ended well
         terminating int32* | whether it is being deleted
         uncountedTerminatedPods UncountedTerminatedPods
        JobTemplateSpec
         metadata ObjectMeta ={}
         spec JobSpec ={} | what is wanted
        PodFailurePolicy
         rules? [PodFailurePolicyRule] null atomic | the rules
        SuccessPolicy
         rules? [SuccessPolicyRule] null atomic | the rules
        JobCondition
         lastProbeTime time null | when it was last checked
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        UncountedTerminatedPods
         failed [string] set | what ended badly
         succeeded [string] set | what ended well
        PodFailurePolicyRule
         action? string ="" enum(Count,FailIndex,FailJob,Ignore)
         onExitCodes PodFailurePolicyOnExitCodesRequirement
         onPodConditions [PodFailurePolicyOnPodConditionsPattern] atomic
        SuccessPolicyRule
         succeededCount int32*
         succeededIndexes string*
        PodFailurePolicyOnExitCodesRequirement
         containerName string*
         operator? string ="" enum(In,NotIn) | how key and values are compared
         values? [int32] null set | what the key is compared with
        PodFailurePolicyOnPodConditionsPattern
         status string ="" | what is observed
         type? string =""
        """
}
