"""What Azure has for a deployment, before it and after: read from Azure Resource Manager, never changed.

Nothing of it was tried on Azure: the answers are as Microsoft documents them.
"""

from cli.doctor.deployment.apis import open_apis
from cli.doctor.deployment.examination import examine_deployment
from cli.doctor.deployment.place import Place

__all__ = ["Place", "examine_deployment", "open_apis"]
