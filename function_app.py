"""The Functions app: registers the blueprints, nothing else."""

import azure.functions as func

from admin_trigger import blueprint as admin_blueprint
from export_trigger import blueprint as export_blueprint
from page_trigger import blueprint as page_blueprint
from schedule_trigger import blueprint as schedule_blueprint
from shared.adapters.telemetry import quiet_libraries
from shared.settings import queue_of
from work_trigger import blueprint as work_blueprint

quiet_libraries()

app = func.FunctionApp()
app.register_functions(export_blueprint)
app.register_functions(admin_blueprint)
app.register_functions(page_blueprint)
app.register_functions(schedule_blueprint)
if queue_of() is not None:
    app.register_functions(work_blueprint)
