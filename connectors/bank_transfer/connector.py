"""Transfers to the province's account: a code to scan for each fee, and word of the credits that come."""

from __future__ import annotations

from connectors.bank_transfer import vietqr
from connectors.bank_transfer.inbound import HOOKS, resign
from connectors.bank_transfer.settings import BankTransferSettings
from connectors.bank_transfer.statement import FILES
from connectors.bank_transfer.wire import OpenTransfer, TransferCode
from lgsp.errors import ConfigError
from lgsp.spi.connector import ConnectorPlugin
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.client import Wire


class BankTransfer:
    """Makes codes. Nobody is called: the bank hears of a transfer when the citizen makes it."""

    def __init__(self, settings: BankTransferSettings, wire: Wire) -> None:
        self._settings = settings

    async def open_payment(self, request: OpenTransfer, key: str) -> TransferCode:
        """The code that a citizen's bank application scans."""
        own = self._settings
        if not own.bank or not own.account:
            raise ConfigError("systems.bank_transfer.bank and systems.bank_transfer.account are not set")
        return TransferCode(qr=vietqr.payload(own.bank, own.account, request.amount, request.purpose))

    async def check(self) -> str:
        """Whether a code can be made, and notices can be told from forgeries."""
        await self.open_payment(OpenTransfer(amount="1", purpose="KIEM TRA"), "check")
        notices = "are signed" if self._settings.secret.get_secret_value() else "are refused: secret is not set"
        return f"codes can be made for the account; credit notices {notices}"


plugin = ConnectorPlugin(
    name="bank_transfer",
    title="Chuyển khoản ngân hàng (VietQR)",
    settings=BankTransferSettings,
    connector=BankTransfer,
    operations=(Operation("open_payment", OpenTransfer, TransferCode, Repeat.SAFE, "a code is made; nothing is sent"),),
    hooks=HOOKS,
    files=FILES,
    resign=resign,
)
