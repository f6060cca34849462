c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.db_url = "sqlite:////srv/jupyterhub/jupyterhub.sqlite"
c.JupyterHub.hub_connect_ip = "jupyterhub"

c.KubeSpawner.namespace = "notebooks"
c.KubeSpawner.start_timeout = 300
c.KubeSpawner.mem_limit = "2G"
