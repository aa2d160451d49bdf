"""Checks what Azure has for a deployment, before and after it; reads Azure Resource Manager, changes nothing.

None of it has been tried on Azure: it relies on the responses that Microsoft documents.
"""

from cli.doctor.deployment.apis import open_apis
from cli.doctor.deployment.examination import examine_deployment
from cli.doctor.deployment.place import Place

__all__ = ["Place", "examine_deployment", "open_apis"]
