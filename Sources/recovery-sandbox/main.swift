import SandboxServer

_ = ObjectStore()
