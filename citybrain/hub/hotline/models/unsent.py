"""未提交的登记: what an operator typed while somebody spoke and has not sent yet."""

from django.db import models


class UnsentNote(models.Model):
    """Notes of one call, kept as they are typed: a page that closes loses nothing. Sealed; its writer's alone."""

    key = models.UUIDField(primary_key=True, help_text="becomes the ticket's submission key")
    person = models.ForeignKey("identity.Person", models.CASCADE, related_name="+")
    call = models.ForeignKey("hotline.Call", models.SET_NULL, null=True, db_index=False, related_name="+")
    body = models.BinaryField(help_text="the form's fields as JSON, sealed with the site's secret")
    began_at = models.DateTimeField()
    kept_at = models.DateTimeField()

    class Meta:
        ordering = ("-kept_at",)

    def __str__(self) -> str:
        return str(self.key)
