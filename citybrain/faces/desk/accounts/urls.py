"""Sign-in and one's own account; mounted at the root, as settings.LOGIN_URL says."""

from django.urls import path

from citybrain.faces.desk.accounts import account, signing_in

app_name = "accounts"
urlpatterns = [
    path("sign-in/", signing_in.sign_in_page, name="sign_in"),
    path("sign-out/", signing_in.sign_out_now, name="sign_out"),
    path("account/", account.mine, name="mine"),
    path("account/password/", account.new_password, name="password"),
    path("account/password/first/", signing_in.first_password, name="first_password"),
    path("account/sessions/end/", account.end_sessions, name="end_sessions"),
    path("account/cover/", account.cover, name="cover"),
    path("account/cover/<int:cover_id>/end/", account.end, name="end_cover"),
]
