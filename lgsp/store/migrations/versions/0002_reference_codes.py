"""Our references of payments and parcels, by which remotes name their dossier"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "reference_codes",
        sa.Column("system", sa.String(length=50), nullable=False),
        sa.Column(
            "code", sa.String(length=100), nullable=False, comment="our reference of a payment, our number of a parcel"
        ),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="payment or shipment"),
        sa.Column("dossier", sa.String(length=100), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="dong; 0 for a parcel"),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", "code", name=op.f("pk_reference_codes")),
    )
    op.create_index("ix_reference_codes_state", "reference_codes", ["kind", "state", "amount"])
    op.create_index("ix_reference_codes_dossier", "reference_codes", ["dossier"])
