"""When the last call of a delivery in doubt left: for a while after that it may still arrive"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    column = sa.Column(
        "doubted_at", sa.BigInteger(), comment="when the last call left that may have happened, or may yet"
    )
    op.add_column("deliveries", column)
    op.execute(
        "UPDATE deliveries SET doubted_at = (SELECT max(opened_at) FROM exchanges "
        "WHERE exchanges.delivery = deliveries.id AND exchanges.effect = 1) WHERE doubtful = 1"
    )
