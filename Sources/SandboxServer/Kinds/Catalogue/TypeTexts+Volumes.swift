extension TypeTexts {
    /// Volumes, and the objects that stand behind them.
    static let volumes = """
        # io.k8s.api.core.v1
        PersistentVolumeClaim kind | a wish for storage
         metadata ObjectMeta ={}
         spec PersistentVolumeClaimSpec ={} | what is wanted
         status PersistentVolumeClaimStatus ={} | what is observed
        PersistentVolume kind | a piece of storage
         metadata ObjectMeta ={}
         spec PersistentVolumeSpec ={} | what is wanted
         status PersistentVolumeStatus ={} | what is observed
        PersistentVolumeClaimSpec
         accessModes [string] atomic | how the volume may be mounted, as ReadWriteOnce
         dataSource TypedLocalObjectReference | what the volume is filled from
         dataSourceRef TypedObjectReference | what the volume is filled from, of any kind
         resources VolumeResourceRequirements ={} | what is requested and what is the limit
         selector LabelSelector | which objects belong to it
         storageClassName string* | the StorageClass
         volumeAttributesClassName string* | the class of volume attributes
         volumeMode string* ="Filesystem" enum(Block,Filesystem) | Filesystem or Block
         volumeName string | the name of the volume
        PersistentVolumeClaimStatus
         accessModes [string] atomic | how the volume may be mounted, as ReadWriteOnce
         allocatedResourceStatuses {string}
         allocatedResources {quantity} | what was set aside
         capacity {quantity} | the whole amount
         conditions [PersistentVolumeClaimCondition] map(type) merge(type) | the latest observations, one for each type
         currentVolumeAttributesClassName string*
         modifyVolumeStatus ModifyVolumeStatus
         phase string ="Pending" | a summary of the state in one word
        PersistentVolumeSpec
         accessModes [string] atomic | how the volume may be mounted, as ReadWriteOnce
         awsElasticBlockStore AWSElasticBlockStoreVolumeSource
         azureDisk AzureDiskVolumeSource
         azureFile AzureFilePersistentVolumeSource
         capacity {quantity} | the whole amount
         cephfs CephFSPersistentVolumeSource
         cinder CinderPersistentVolumeSource
         claimRef ObjectReference | the claim that has the volume
         csi CSIPersistentVolumeSource | a volume of a CSI driver
         fc FCVolumeSource
         flexVolume FlexPersistentVolumeSource
         flocker FlockerVolumeSource
         gcePersistentDisk GCEPersistentDiskVolumeSource
         glusterfs GlusterfsPersistentVolumeSource
         hostPath HostPathVolumeSource | a path of the node
         iscsi ISCSIPersistentVolumeSource | an iSCSI disk
         local LocalVolumeSource
         mountOptions [string] atomic | options for the mount
         nfs NFSVolumeSource | an NFS export
         nodeAffinity VolumeNodeAffinity | rules about the labels of nodes
         persistentVolumeReclaimPolicy string ="Retain" enum(Delete,Recycle,Retain) | what happens when the claim goes
         photonPersistentDisk PhotonPersistentDiskVolumeSource
         portworxVolume PortworxVolumeSource
         quobyte QuobyteVolumeSource
         rbd RBDPersistentVolumeSource
         scaleIO ScaleIOPersistentVolumeSource
         storageClassName string | the StorageClass
         storageos StorageOSPersistentVolumeSource
         volumeAttributesClassName string* | the class of volume attributes
         volumeMode string* ="Filesystem" enum(Block,Filesystem) | Filesystem or Block
         vsphereVolume VsphereVirtualDiskVolumeSource
        PersistentVolumeStatus
         lastPhaseTransitionTime time*
         message string | a sentence for people
         phase string ="Pending" | a summary of the state in one word
         reason string | one word for programs
        VolumeResourceRequirements
         limits {quantity} | the most that may be used
         requests {quantity} | what is set aside
        TypedLocalObjectReference atomic
         apiGroup string*
         kind? string ="" | the kind
         name? string ="" | the name
        TypedObjectReference
         apiGroup string*
         kind? string ="" | the kind
         name? string ="" | the name
         namespace string* | the namespace
        PersistentVolumeClaimCondition
         lastProbeTime time null | when it was last checked
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        ModifyVolumeStatus
         status? string ="" | what is observed
         targetVolumeAttributesClassName string
        GCEPersistentDiskVolumeSource
         fsType string | the file system of the volume
         partition int32 | pods with a lower number keep the old template
         pdName? string =""
         readOnly bool | mount without writing
        AWSElasticBlockStoreVolumeSource
         fsType string | the file system of the volume
         partition int32 | pods with a lower number keep the old template
         readOnly bool | mount without writing
         volumeID? string =""
        HostPathVolumeSource
         path! string | the path
         type string* ="" enum(,BlockDevice,CharDevice,Directory,DirectoryOrCreate,File,FileOrCreate,Socket) | what has to be at the path
        GlusterfsPersistentVolumeSource
         endpoints? string ="" | the endpoints
         endpointsNamespace string*
         path? string ="" | the path
         readOnly bool | mount without writing
        NFSVolumeSource
         path! string | the path
         readOnly bool | mount without writing
         server! string
        RBDPersistentVolumeSource
         fsType string | the file system of the volume
         image? string ="" | the image to run
         keyring string ="/etc/ceph/keyring"
         monitors? [string] null atomic
         pool string ="rbd"
         readOnly bool | mount without writing
         secretRef SecretReference | where the credentials are
         user string ="admin" | the user
        ISCSIPersistentVolumeSource
         chapAuthDiscovery bool
         chapAuthSession bool
         fsType string | the file system of the volume
         initiatorName string*
         iqn? string =""
         iscsiInterface string ="default"
         lun? int32 =0
         portals [string] atomic
         readOnly bool | mount without writing
         secretRef SecretReference | where the credentials are
         targetPortal? string =""
        CinderPersistentVolumeSource
         fsType string | the file system of the volume
         readOnly bool | mount without writing
         secretRef SecretReference | where the credentials are
         volumeID? string =""
        CephFSPersistentVolumeSource
         monitors? [string] null atomic
         path string | the path
         readOnly bool | mount without writing
         secretFile string
         secretRef SecretReference | where the credentials are
         user string | the user
        FCVolumeSource
         fsType string | the file system of the volume
         lun int32*
         readOnly bool | mount without writing
         targetWWNs [string] atomic
         wwids [string] atomic
        FlockerVolumeSource
         datasetName string
         datasetUUID string
        FlexPersistentVolumeSource
         driver? string =""
         fsType string | the file system of the volume
         options {string}
         readOnly bool | mount without writing
         secretRef SecretReference | where the credentials are
        AzureFilePersistentVolumeSource
         readOnly bool | mount without writing
         secretName? string ="" | the name of the Secret
         secretNamespace string*
         shareName? string =""
        VsphereVirtualDiskVolumeSource
         fsType string | the file system of the volume
         storagePolicyID string
         storagePolicyName string
         volumePath? string =""
        QuobyteVolumeSource
         group string | the API group
         readOnly bool | mount without writing
         registry? string =""
         tenant string
         user string | the user
         volume? string =""
        AzureDiskVolumeSource
         cachingMode string* ="ReadWrite" enum(None,ReadOnly,ReadWrite)
         diskName? string =""
         diskURI? string =""
         fsType string* ="ext4" | the file system of the volume
         kind string* ="Shared" enum(Dedicated,Managed,Shared) | the kind
         readOnly bool* =false | mount without writing
        PhotonPersistentDiskVolumeSource
         fsType string | the file system of the volume
         pdID? string =""
        PortworxVolumeSource
         fsType string | the file system of the volume
         readOnly bool | mount without writing
         volumeID? string =""
        ScaleIOPersistentVolumeSource
         fsType string ="xfs" | the file system of the volume
         gateway? string =""
         protectionDomain string
         readOnly bool | mount without writing
         secretRef? SecretReference | where the credentials are
         sslEnabled bool
         storageMode string ="ThinProvisioned"
         storagePool string
         system? string =""
         volumeName string | the name of the volume
        LocalVolumeSource
         fsType string* | the file system of the volume
         path! string | the path
        StorageOSPersistentVolumeSource
         fsType string | the file system of the volume
         readOnly bool | mount without writing
         secretRef ObjectReference | where the credentials are
         volumeName string | the name of the volume
         volumeNamespace string
        CSIPersistentVolumeSource
         controllerExpandSecretRef SecretReference
         controllerPublishSecretRef SecretReference
         driver? string =""
         fsType string | the file system of the volume
         nodeExpandSecretRef SecretReference
         nodePublishSecretRef SecretReference
         nodeStageSecretRef SecretReference
         readOnly bool | mount without writing
         volumeAttributes {string}
         volumeHandle? string =""
        VolumeNodeAffinity
         required NodeSelector
        Volume | something to mount
         awsElasticBlockStore AWSElasticBlockStoreVolumeSource
         azureDisk AzureDiskVolumeSource
         azureFile AzureFileVolumeSource
         cephfs CephFSVolumeSource
         cinder CinderVolumeSource
         configMap ConfigMapVolumeSource | a ConfigMap as files
         csi CSIVolumeSource | a volume of a CSI driver
         downwardAPI DownwardAPIVolumeSource | facts about the pod as files
         emptyDir EmptyDirVolumeSource | an empty directory that goes with the pod
         ephemeral EphemeralVolumeSource | a volume claim that goes with the pod
         fc FCVolumeSource
         flexVolume FlexVolumeSource
         flocker FlockerVolumeSource
         gcePersistentDisk GCEPersistentDiskVolumeSource
         gitRepo GitRepoVolumeSource
         glusterfs GlusterfsVolumeSource
         hostPath HostPathVolumeSource | a path of the node
         image ImageVolumeSource | the image to run
         iscsi ISCSIVolumeSource | an iSCSI disk
         name! string | the name
         nfs NFSVolumeSource | an NFS export
         persistentVolumeClaim PersistentVolumeClaimVolumeSource | a volume by its claim
         photonPersistentDisk PhotonPersistentDiskVolumeSource
         portworxVolume PortworxVolumeSource
         projected ProjectedVolumeSource | several sources in one directory
         quobyte QuobyteVolumeSource
         rbd RBDVolumeSource
         scaleIO ScaleIOVolumeSource
         secret SecretVolumeSource | a Secret as files
         storageos StorageOSVolumeSource
         vsphereVolume VsphereVirtualDiskVolumeSource
        SecretReference atomic
         name string | the name
         namespace string | the namespace
        EmptyDirVolumeSource
         medium string | Memory, or the disk of the node
         sizeLimit quantity* | the most it may hold
        GitRepoVolumeSource
         directory string
         repository? string =""
         revision string
        SecretVolumeSource
         defaultMode int32* =420 | the mode of files that do not set their own
         items [KeyToPath] atomic | which keys become files; all when empty
         optional bool* | whether it may be missing
         secretName string | the name of the Secret
        ISCSIVolumeSource
         chapAuthDiscovery bool
         chapAuthSession bool
         fsType string | the file system of the volume
         initiatorName string*
         iqn? string =""
         iscsiInterface string ="default"
         lun? int32 =0
         portals [string] atomic
         readOnly bool | mount without writing
         secretRef LocalObjectReference | where the credentials are
         targetPortal? string =""
        GlusterfsVolumeSource
         endpoints? string ="" | the endpoints
         path? string ="" | the path
         readOnly bool | mount without writing
        PersistentVolumeClaimVolumeSource
         claimName! string | the name of the claim
         readOnly bool | mount without writing
        RBDVolumeSource
         fsType string | the file system of the volume
         image? string ="" | the image to run
         keyring string ="/etc/ceph/keyring"
         monitors? [string] null atomic
         pool string ="rbd"
         readOnly bool | mount without writing
         secretRef LocalObjectReference | where the credentials are
         user string ="admin" | the user
        FlexVolumeSource
         driver? string =""
         fsType string | the file system of the volume
         options {string}
         readOnly bool | mount without writing
         secretRef LocalObjectReference | where the credentials are
        CinderVolumeSource
         fsType string | the file system of the volume
         readOnly bool | mount without writing
         secretRef LocalObjectReference | where the credentials are
         volumeID? string =""
        CephFSVolumeSource
         monitors? [string] null atomic
         path string | the path
         readOnly bool | mount without writing
         secretFile string
         secretRef LocalObjectReference | where the credentials are
         user string | the user
        DownwardAPIVolumeSource
         defaultMode int32* =420 | the mode of files that do not set their own
         items [DownwardAPIVolumeFile] atomic | which keys become files; all when empty
        AzureFileVolumeSource
         readOnly bool | mount without writing
         secretName? string ="" | the name of the Secret
         shareName? string =""
        ConfigMapVolumeSource
         defaultMode int32* =420 | the mode of files that do not set their own
         items [KeyToPath] atomic | which keys become files; all when empty
         name string ="" | the name
         optional bool* | whether it may be missing
        ProjectedVolumeSource
         defaultMode int32* =420 | the mode of files that do not set their own
         sources [VolumeProjection] null atomic
        ScaleIOVolumeSource
         fsType string ="xfs" | the file system of the volume
         gateway? string =""
         protectionDomain string
         readOnly bool | mount without writing
         secretRef? LocalObjectReference | where the credentials are
         sslEnabled bool
         storageMode string ="ThinProvisioned"
         storagePool string
         system? string =""
         volumeName string | the name of the volume
        StorageOSVolumeSource
         fsType string | the file system of the volume
         readOnly bool | mount without writing
         secretRef LocalObjectReference | where the credentials are
         volumeName string | the name of the volume
         volumeNamespace string
        CSIVolumeSource
         driver! string
         fsType string* | the file system of the volume
         nodePublishSecretRef LocalObjectReference
         readOnly bool* | mount without writing
         volumeAttributes {string}
        EphemeralVolumeSource
         volumeClaimTemplate PersistentVolumeClaimTemplate
        ImageVolumeSource
         pullPolicy string enum(Always,IfNotPresent,Never)
         reference string
        KeyToPath
         key! string | the key
         mode int32* | the permission bits of the file
         path! string | the path
        DownwardAPIVolumeFile
         fieldRef ObjectFieldSelector | a field of the pod
         mode int32* | the permission bits of the file
         path? string ="" | the path
         resourceFieldRef ResourceFieldSelector | a request or limit of a container
        VolumeProjection
         clusterTrustBundle ClusterTrustBundleProjection
         configMap ConfigMapProjection | a ConfigMap as files
         downwardAPI DownwardAPIProjection | facts about the pod as files
         podCertificate PodCertificateProjection
         secret SecretProjection | a Secret as files
         serviceAccountToken ServiceAccountTokenProjection
        PersistentVolumeClaimTemplate
         metadata ObjectMeta ={}
         spec? PersistentVolumeClaimSpec ={} | what is wanted
        SecretProjection
         items [KeyToPath] atomic | which keys become files; all when empty
         name string ="" | the name
         optional bool* | whether it may be missing
        DownwardAPIProjection
         items [DownwardAPIVolumeFile] atomic | which keys become files; all when empty
        ConfigMapProjection
         items [KeyToPath] atomic | which keys become files; all when empty
         name string ="" | the name
         optional bool* | whether it may be missing
        ServiceAccountTokenProjection
         audience string | for whom the token is good
         expirationSeconds int64* =3600 | how long it is valid
         path? string ="" | the path
        ClusterTrustBundleProjection
         labelSelector LabelSelector | which pods are meant
         name string* | the name
         optional bool* | whether it may be missing
         path? string ="" | the path
         signerName string* | who signs
        PodCertificateProjection
         certificateChainPath string
         credentialBundlePath string
         keyPath string
         keyType? string
         maxExpirationSeconds int32*
         signerName? string | who signs
         userAnnotations {string}
        TopologySelectorTerm atomic
         matchLabelExpressions [TopologySelectorLabelRequirement] atomic
        TopologySelectorLabelRequirement
         key? string ="" | the key
         values? [string] null atomic | what the key is compared with
        """
}
