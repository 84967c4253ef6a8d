"""The portal is the site's front page."""

from django.urls import path

from citybrain.faces.portal.views import follow, my, naming, pages, photo, questions, readings, report, say

app_name = "portal"

urlpatterns = [
    path("", pages.front, name="front"),
    path("report/", report.report, name="report"),
    path("report/photo/", report.photo, name="send_photo"),
    path("report/photo/<str:name>/", report.held_photo, name="held_photo"),
    path("report/places/", questions.find_place, name="find_place"),
    path("report/locate/", questions.locate, name="locate"),
    path("report/outline/", questions.outline, name="outline"),
    path("report/guess/", questions.guess_item, name="guess"),
    path("report/done/<str:number>/", report.done, name="done"),
    path("say/", say.say, name="say"),
    path("say/done/<str:number>/", say.done, name="said_done"),
    path("say/<str:number>/", say.show, name="said"),
    path("say/<str:number>/<str:key>/", say.step, name="said_step"),
    path("progress/", follow.look_up, name="look_up"),
    path("progress/<str:number>/", follow.show, name="progress"),
    path("progress/<str:number>/forget/", follow.forget, name="forget"),
    path("progress/<str:number>/<str:key>/", follow.step, name="step"),
    path("photos/<uuid:token>/", photo.photo, name="photo"),
    path("photos/<uuid:token>/thumb/", photo.photo, {"thumb": True}, name="thumb"),
    path("my/", my.mine, name="my"),
    path("my/sign-in/", my.ask_phone, name="sign_in"),
    path("my/sign-in/code/", my.ask_code, name="sign_in_code"),
    path("my/sign-out/", my.leave, name="sign_out"),
    path("my/data/", my.data, name="data"),
    path("my/readings/", readings.mine, name="readings"),
    path("my/real-name/", naming.real_name, name="real_name"),
    path("accessibility/", pages.accessibility, name="accessibility"),
    path("privacy/", pages.privacy, name="privacy"),
]
