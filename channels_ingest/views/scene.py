"""Scene QR codes of an Official Account."""

import io

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from channels_ingest import actions
from channels_ingest.connectors.base import ConnectorError
from channels_ingest.enums import Kind
from channels_ingest.forms import SceneForm
from channels_ingest.looks import said
from channels_ingest.models import Channel, SceneCode
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.pages import done


@requires(Permission.CHANNELS_EDIT)
def scene_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the platform for a permanent code."""
    channel = fetch(Channel, pk=pk, kind=Kind.WECHAT_OA)
    form = SceneForm(request.POST or None, channel=channel)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.create_scene_code(channel, label=values["label"], scene=values["scene"], by=request.user)
        except ConnectorError as error:
            form.add_error(None, f"{said(error.reason)} ({error.code})" if error.code else said(error.reason))
        else:
            return done(request, channel, _("The code is ready"))
    context = {"form": form, "shown": channel}
    return render(request, "channels_ingest/scene_add.html", context, status=422 if form.is_bound else 200)


@require_GET
@requires(Permission.CHANNELS_VIEW)
def scene_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The code as SVG; ``?save`` offers it as a file."""
    code = fetch(SceneCode, pk=pk)
    picture = io.BytesIO()
    segno.make(code.url, error="m").save(picture, kind="svg", scale=8, border=4, light="#ffffff", xmldecl=False)
    response = HttpResponse(picture.getvalue(), content_type="image/svg+xml")
    response["Cache-Control"] = "private, max-age=86400"
    if "save" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="qr-{code.pk}.svg"'
    return response
