"""For templates: `sample_city` is the made-up city's name, so that the sign-in page can say 示例城市."""

from django.http import HttpRequest

from citybrain.sample.cast import Account, cast_accounts
from citybrain.sample.marker import sample_name


def sample(request: HttpRequest) -> dict[str, object]:
    """Return `sample_city` (empty in a real city) and `sample_accounts` (what the sign-in page may offer)."""
    name = sample_name()
    accounts: list[Account] = cast_accounts() if name else []
    return {"sample_city": name, "sample_accounts": accounts}
