"""The ASGI application: pages over HTTP, a job's log over WebSocket."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
pages = get_asgi_application()

# Only now: the consumer's models need the apps that the line above loaded.
from webapp.jobs.consumers import JobConsumer  # noqa: E402

sockets = URLRouter([path("ws/jobs/<uuid:job_id>/", JobConsumer.as_asgi())])

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(sockets)),
    }
)
