"""The features, in dependency order: each may use those before it."""

from __future__ import annotations

from flask_smorest import Blueprint

from app.blueprints.accounts import privacy as accounts_privacy
from app.blueprints.accounts.own_routes import bp as own_account
from app.blueprints.accounts.routes import bp as accounts
from app.blueprints.accounts.second_factor_routes import bp as second_factor
from app.blueprints.accounts.session_routes import bp as sessions
from app.blueprints.admins.account_routes import bp as installation_accounts
from app.blueprints.admins.routes import bp as admins
from app.blueprints.api_keys.routes import bp as api_keys
from app.blueprints.audit import privacy as audit_privacy
from app.blueprints.audit.routes import bp as audit
from app.blueprints.customers import privacy as customers_privacy
from app.blueprints.customers.privacy_routes import bp as privacy
from app.blueprints.customers.profile_routes import bp as profiles
from app.blueprints.customers.routes import bp as customers
from app.blueprints.files.routes import bp as files
from app.blueprints.inventory import privacy as inventory_privacy
from app.blueprints.inventory.category_routes import bp as categories
from app.blueprints.inventory.routes import bp as inventory
from app.blueprints.inventory.stock_routes import bp as stock
from app.blueprints.inventory.supplier_routes import bp as suppliers
from app.blueprints.invitations import privacy as invitations_privacy
from app.blueprints.invitations.routes import bp as invitations
from app.blueprints.mechanics.routes import bp as mechanics
from app.blueprints.members.routes import bp as members
from app.blueprints.notifications import privacy as notifications_privacy
from app.blueprints.notifications.routes import bp as notifications
from app.blueprints.operations.routes import bp as operations
from app.blueprints.roles.routes import bp as roles
from app.blueprints.service_tickets import privacy as service_tickets_privacy
from app.blueprints.service_tickets.history_routes import bp as history
from app.blueprints.service_tickets.routes import bp as service_tickets
from app.blueprints.service_tickets.usage_routes import bp as usage
from app.blueprints.vehicles import privacy as vehicles_privacy
from app.blueprints.vehicles.maintenance_routes import bp as maintenance
from app.blueprints.vehicles.routes import bp as vehicles
from app.blueprints.workshops.opening_routes import bp as opening
from app.blueprints.workshops.routes import bp as workshops

ALL: tuple[Blueprint, ...] = (
    workshops,
    opening,
    accounts,
    sessions,
    own_account,
    admins,
    installation_accounts,
    roles,
    api_keys,
    second_factor,
    customers,
    profiles,
    privacy,
    files,
    mechanics,
    members,
    invitations,
    vehicles,
    maintenance,
    inventory,
    categories,
    stock,
    suppliers,
    service_tickets,
    usage,
    history,
    notifications,
    audit,
    operations,
)

# What each feature gives out and erases of a person: registered by being imported.
PRIVACY = (
    accounts_privacy,
    customers_privacy,
    invitations_privacy,
    vehicles_privacy,
    inventory_privacy,
    service_tickets_privacy,
    notifications_privacy,
    audit_privacy,
)
