extension TypeTexts {
    /// The kinds of `autoscaling` and `policy`.
    static let scaling = """
        # io.k8s.api.autoscaling.v1
        HorizontalPodAutoscaler kind | changes the number of pods by metrics
         metadata ObjectMeta ={}
         spec? HorizontalPodAutoscalerSpec ={} | what is wanted
         status HorizontalPodAutoscalerStatus ={} | what is observed
        Scale kind | the number of pods of something
         metadata ObjectMeta ={}
         spec ScaleSpec ={} | what is wanted
         status ScaleStatus ={} | what is observed
        HorizontalPodAutoscalerSpec
         maxReplicas? int32 =0 | the upper bound
         minReplicas int32* =1 | the lower bound
         scaleTargetRef? CrossVersionObjectReference ={} | what is scaled
         targetCPUUtilizationPercentage int32* | the average use of CPU that is aimed at
        HorizontalPodAutoscalerStatus
         currentCPUUtilizationPercentage int32* | the average use of CPU now
         currentReplicas? int32 =0 | pods of the current revision
         desiredReplicas? int32 =0 | the number that was last asked for
         lastScaleTime time* | when the number was last changed
         observedGeneration int64* | the generation that was seen when this was written
        ScaleSpec
         replicas int32 =0 | the number of pods
        ScaleStatus
         replicas? int32 =0 | the number of pods
         selector string | which objects belong to it
        CrossVersionObjectReference atomic
         apiVersion string | group and version
         kind! string | the kind
         name! string | the name
        # io.k8s.api.autoscaling.v2
        HorizontalPodAutoscaler kind | changes the number of pods by metrics
         metadata ObjectMeta ={}
         spec? HorizontalPodAutoscalerSpec ={} | what is wanted
         status HorizontalPodAutoscalerStatus ={} | what is observed
        HorizontalPodAutoscalerSpec
         behavior HorizontalPodAutoscalerBehavior | how fast the number changes
         maxReplicas? int32 =0 | the upper bound
         metrics [MetricSpec] atomic | what decides about the number
         minReplicas int32* =1 | the lower bound
         scaleTargetRef? CrossVersionObjectReference ={} | what is scaled
        HorizontalPodAutoscalerStatus
         conditions [HorizontalPodAutoscalerCondition] map(type) merge(type) | the latest observations, one for each type
         currentMetrics [MetricStatus] null atomic | the last readings
         currentReplicas int32 | pods of the current revision
         desiredReplicas? int32 =0 | the number that was last asked for
         lastScaleTime time* | when the number was last changed
         observedGeneration int64* | the generation that was seen when this was written
        CrossVersionObjectReference
         apiVersion string | group and version
         kind! string | the kind
         name! string | the name
        MetricSpec | one metric and its target
         containerResource ContainerResourceMetricSource
         external ExternalMetricSource
         object ObjectMetricSource
         pods PodsMetricSource
         resource ResourceMetricSource | the resource
         type? string =""
        HorizontalPodAutoscalerBehavior
         scaleDown HPAScalingRules
         scaleUp HPAScalingRules
        MetricStatus
         containerResource ContainerResourceMetricStatus
         external ExternalMetricStatus
         object ObjectMetricStatus
         pods PodsMetricStatus
         resource ResourceMetricStatus | the resource
         type? string =""
        HorizontalPodAutoscalerCondition
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        ObjectMetricSource
         describedObject? CrossVersionObjectReference ={}
         metric? MetricIdentifier ={}
         target? MetricTarget ={}
        PodsMetricSource
         metric? MetricIdentifier ={}
         target? MetricTarget ={}
        ResourceMetricSource
         name? string ="" | the name
         target? MetricTarget ={}
        ContainerResourceMetricSource
         container? string =""
         name? string ="" | the name
         target? MetricTarget ={}
        ExternalMetricSource
         metric? MetricIdentifier ={}
         target? MetricTarget ={}
        HPAScalingRules
         policies [HPAScalingPolicy] atomic
         selectPolicy string*
         stabilizationWindowSeconds int32*
         tolerance quantity*
        ObjectMetricStatus
         current? MetricValueStatus ={}
         describedObject? CrossVersionObjectReference ={}
         metric? MetricIdentifier ={}
        PodsMetricStatus
         current? MetricValueStatus ={}
         metric? MetricIdentifier ={}
        ResourceMetricStatus
         current? MetricValueStatus ={}
         name? string ="" | the name
        ContainerResourceMetricStatus
         container? string =""
         current? MetricValueStatus ={}
         name? string ="" | the name
        ExternalMetricStatus
         current? MetricValueStatus ={}
         metric? MetricIdentifier ={}
        MetricTarget | the value that is aimed at
         averageUtilization int32* | percent of the requests, on average
         averageValue quantity* | the value for each pod, on average
         type? string =""
         value quantity* | the value
        MetricIdentifier
         name! string | the name
         selector LabelSelector | which objects belong to it
        HPAScalingPolicy
         periodSeconds? int32 =0 | the time between two checks
         type? string =""
         value? int32 =0 | the value
        MetricValueStatus
         averageUtilization int32* | percent of the requests, on average
         averageValue quantity* | the value for each pod, on average
         value quantity* | the value
        # io.k8s.api.policy.v1
        PodDisruptionBudget kind | how many pods may be missing on purpose
         metadata ObjectMeta ={}
         spec PodDisruptionBudgetSpec ={} | what is wanted
         status PodDisruptionBudgetStatus ={} | what is observed
        Eviction kind | asks a pod to leave its node
         deleteOptions DeleteOptions
         metadata ObjectMeta ={}
        PodDisruptionBudgetSpec
         maxUnavailable intOrString* | number or percentage of pods that may be missing
         minAvailable intOrString* | number or percentage of pods that have to stay
         selector LabelSelector | which objects belong to it
         unhealthyPodEvictionPolicy string* enum(AlwaysAllow,IfHealthyBudget) | when unhealthy pods may be evicted
        PodDisruptionBudgetStatus
         conditions [Condition] map(type) merge(type) | the latest observations, one for each type
         currentHealthy int32 =0 | pods that are healthy
         desiredHealthy int32 =0 | pods that have to be healthy
         disruptedPods {time} | evictions that are not done yet
         disruptionsAllowed int32 =0 | how many pods may be evicted now
         expectedPods int32 =0 | pods that are counted
         observedGeneration int64 | the generation that was seen when this was written
        """
}
