"""The notebooks' server: a token from a file, never none; new notebooks in the user's own folder."""

import os
import shutil
from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter gives it
token = Path(os.environ.get("JUPYTER_TOKEN_FILE", "/run/secrets/jupyter_token")).read_text().strip()
if len(token) < 32:
    raise SystemExit("The token of the notebooks is missing or short: deploy/make-secrets writes jupyter_token.")
c.IdentityProvider.token = token
c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - of the container; compose publishes the port on loopback
c.ServerApp.port = 8888
c.ServerApp.open_browser = False
c.ServerApp.terminals_enabled = False
c.LabApp.extension_manager = "readonly"
c.ServerApp.root_dir = str(Path.home())

example = Path("/opt/notebooks/lions.ipynb")
if example.exists() and not (Path.home() / example.name).exists():
    shutil.copyfile(example, Path.home() / example.name)
