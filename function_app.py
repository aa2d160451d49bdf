"""The Functions app: registers the blueprints, nothing else."""

import azure.functions as func

from admin_trigger import blueprint as admin_blueprint
from export_trigger import blueprint as export_blueprint
from schedule_trigger import blueprint as schedule_blueprint
from shared.adapters.telemetry import quiet_libraries

quiet_libraries()

app = func.FunctionApp()
app.register_functions(export_blueprint)
app.register_functions(admin_blueprint)
app.register_functions(schedule_blueprint)
