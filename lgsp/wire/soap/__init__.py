"""SOAP over the wire: contracts read from files, messages written and read by their types.

What is here is light; lxml and zeep are loaded with the first contract.
"""

from lgsp.wire.soap.addressing import Addressing
from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.blocks import Context, Declared, Header, HeaderBlock
from lgsp.wire.soap.contract import Check, SoapContract, SoapSettings
from lgsp.wire.soap.fault import Classify, Fault
from lgsp.wire.soap.port import SoapPort
from lgsp.wire.soap.security import Security, SecuritySettings

__all__ = [
    "Addressing",
    "Attachment",
    "Check",
    "Classify",
    "Context",
    "Declared",
    "Fault",
    "Header",
    "HeaderBlock",
    "Security",
    "SecuritySettings",
    "SoapContract",
    "SoapPort",
    "SoapSettings",
]
