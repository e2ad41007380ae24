"""How the last counted attempt of a delivery ended, and how many in a row ended so"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    how = sa.Column("ended", sa.String(12), nullable=False, server_default="", comment="how the last of these ended")
    alike = sa.Column(
        "alike", sa.Integer(), nullable=False, server_default="0", comment="and how many in a row ended so"
    )
    op.add_column("deliveries", how)
    op.add_column("deliveries", alike)
