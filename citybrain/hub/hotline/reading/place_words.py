"""Words by which places are found in running text, and those that are none: data/places.toml."""

from typing import Final

from citybrain.hub.hotline.reading.words import lists

_LISTS: Final = lists("places")
ROADS: Final = _LISTS["roads"]
ESTATES: Final = _LISTS["estates"]
LANDMARKS: Final = _LISTS["landmarks"]
BODIES: Final = _LISTS["bodies"]
DISTRICTS: Final = _LISTS["districts"]
LOOSE: Final = frozenset(_LISTS["loose"])
NO_ROADS: Final = tuple(one for one in _LISTS["no_roads"] if one not in ROADS)
NO_NAMES: Final = frozenset(_LISTS["no_names"])
NO_NAME_ENDS: Final = tuple(one for one in _LISTS["no_names"] if len(one) > 1)
NOT_IN_NAMES: Final = _LISTS["not_in_names"]

# Characters at which a name begins at the latest, read from its end.
STOPS: Final = frozenset(
    "其此的在于到从与和至这那是有我你您他她它们了也及或把被将给个条每各该某因就都还没不着请问称说并且但而又所已却竟只号期栋幢座层"
)
# Those a name may begin with (向阳路, 同心花园), where nothing but a mark or another place stands before it.
SOFT_STOPS: Final = frozenset(
    "向沿住往经由对让本过去走叫找来等会能想时为仍再很太更最未需须应可若如且则即便虽靠离距跟同替比随按照占买卖租拆修挖搬爬"
    "送收扔倒堆堵停骑开驶跑站坐看见听写打拉吃喝做以拟属"
)
