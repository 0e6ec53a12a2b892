"""The e-mail channel, and the notices only it carries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from alertlib.config.schema import Email
from runners.live.alert_store.outbox import MAIL, Outbox
from runners.live.delivery.courier import Courier
from runners.live.delivery.transport import Manner
from runners.live.mail.notices import notices
from runners.live.mail.pool import SmtpPool
from runners.live.mail.render import Renderer
from runners.live.mail.settings import Access


class Mailer(Courier[bytes]):
    """Mails alerts to traders and notices to the operator.

    Parameters
    ----------
    settings : Email
    access : Access
        As :func:`~runners.live.mail.settings.mail_access` returned it.
    outbox, renderer, clock, chance
        As of a :class:`~runners.live.delivery.courier.Courier`.
    """

    def __init__(
        self,
        settings: Email,
        access: Access,
        outbox: Outbox,
        renderer: Renderer,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        manner = Manner(
            MAIL, MAIL, "e-mail", settings.max_concurrent, settings.digest_above, settings.sender
        )
        self._pool = SmtpPool(settings, access)
        super().__init__(manner, self._pool, outbox.of(MAIL), renderer, clock=clock, chance=chance)
        self._settings = settings

    def notice(
        self,
        title: str,
        lines: Sequence[str],
        about: Sequence[str] = (),
        delivered: Callable[[], None] | None = None,
    ) -> None:
        """Send a few lines to the operator, if there is one. Traders get no notices.

        ``about`` names the things they tell of: what is still waiting and tells only of these is
        old news then. ``delivered`` is called once the server has accepted them: until then they
        are in memory only.
        """
        if self._settings.operator is not None:
            to = (self._settings.operator,)
            self.put(notices(self._settings, to, title, lines, self._clock(), about, delivered))
