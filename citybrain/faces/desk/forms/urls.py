"""Addresses of forms on the desk, below /desk/forms/; the names are the desk's."""

from django.urls import path

from citybrain.faces.desk.forms import adding, admission, columns_page, issuing, office, one_form, savings

urlpatterns = [
    path("", office.list_view, name="forms"),
    path("add/", adding.add_view, name="forms_add"),
    path("saved/", savings.saved_view, name="forms_saved"),
    path("choose/fields/", columns_page.fields_view, name="forms_choose_fields"),
    path("<int:form_id>/", one_form.form_view, name="form"),
    path("<int:form_id>/file/", one_form.file_view, name="form_file"),
    path("<int:form_id>/columns/", columns_page.columns_view, name="form_columns"),
    path("<int:form_id>/revise/", adding.revise_view, name="form_revise"),
    path("<int:form_id>/retire/", one_form.retire_view, name="form_retire"),
    path("<int:form_id>/take-back/", one_form.take_back_view, name="form_take_back"),
    path("<int:form_id>/discard/", one_form.discard_view, name="form_discard"),
    path("<int:form_id>/admission/", admission.admission_view, name="form_admission"),
    path("<int:form_id>/issue/", issuing.issue_view, name="form_issue"),
]
