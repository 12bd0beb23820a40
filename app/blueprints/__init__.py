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
from app.blueprints.attachments import leaving as attached  # noqa: F401 - for what they listen to
from app.blueprints.attachments import privacy as attachments_privacy
from app.blueprints.attachments.routes import bp as attachments
from app.blueprints.audit import privacy as audit_privacy
from app.blueprints.audit.routes import bp as audit
from app.blueprints.canned_jobs.routes import bp as canned_jobs
from app.blueprints.catalogue.routes import bp as catalogue
from app.blueprints.cores import privacy as cores_privacy
from app.blueprints.cores.routes import bp as cores
from app.blueprints.customers import privacy as customers_privacy
from app.blueprints.customers.preference_routes import bp as preferences
from app.blueprints.customers.privacy_routes import bp as privacy
from app.blueprints.customers.profile_routes import bp as profiles
from app.blueprints.customers.routes import bp as customers
from app.blueprints.estimates import handlers as estimates_handlers
from app.blueprints.estimates import privacy as estimates_privacy
from app.blueprints.estimates.page_routes import bp as estimate_page
from app.blueprints.estimates.routes import bp as estimates
from app.blueprints.files.routes import bp as files
from app.blueprints.history.routes import bp as history
from app.blueprints.inspections import handlers as inspections_handlers
from app.blueprints.inspections import privacy as inspections_privacy
from app.blueprints.inspections.recommendation_routes import bp as recommendations
from app.blueprints.inspections.routes import bp as inspections
from app.blueprints.inspections.template_routes import bp as inspection_templates
from app.blueprints.inventory import privacy as inventory_privacy
from app.blueprints.inventory.category_routes import bp as categories
from app.blueprints.inventory.markup_routes import bp as markup_rules
from app.blueprints.inventory.order_routes import bp as purchase_orders
from app.blueprints.inventory.reference_routes import bp as references
from app.blueprints.inventory.routes import bp as inventory
from app.blueprints.inventory.stock_routes import bp as stock
from app.blueprints.inventory.stocktake_routes import bp as stocktakes
from app.blueprints.inventory.supplier_routes import bp as suppliers
from app.blueprints.inventory.table_routes import bp as tables
from app.blueprints.invitations import privacy as invitations_privacy
from app.blueprints.invitations.routes import bp as invitations
from app.blueprints.mechanics.routes import bp as mechanics
from app.blueprints.members.routes import bp as members
from app.blueprints.notifications import privacy as notifications_privacy
from app.blueprints.notifications.routes import bp as notifications
from app.blueprints.operations.routes import bp as operations
from app.blueprints.progress import handlers as progress_handlers
from app.blueprints.progress import privacy as progress_privacy
from app.blueprints.progress.comment_routes import bp as comments
from app.blueprints.progress.routes import bp as progress
from app.blueprints.roles.routes import bp as roles
from app.blueprints.service_tickets import handlers as service_tickets_handlers
from app.blueprints.service_tickets import privacy as service_tickets_privacy
from app.blueprints.service_tickets.line_routes import bp as ticket_lines
from app.blueprints.service_tickets.routes import bp as service_tickets
from app.blueprints.service_tickets.usage_routes import bp as usage
from app.blueprints.timesheets import handlers as timesheets_handlers
from app.blueprints.timesheets import leaving as worked_on  # noqa: F401
from app.blueprints.timesheets import privacy as timesheets_privacy
from app.blueprints.timesheets.routes import bp as timesheets
from app.blueprints.tracking import announcing as announcing
from app.blueprints.tracking.routes import bp as tracking
from app.blueprints.vehicles import privacy as vehicles_privacy
from app.blueprints.vehicles import reminders
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
    preferences,
    privacy,
    files,
    mechanics,
    members,
    invitations,
    vehicles,
    maintenance,
    catalogue,
    inventory,
    categories,
    markup_rules,
    references,
    stock,
    suppliers,
    purchase_orders,
    stocktakes,
    tables,
    service_tickets,
    ticket_lines,
    usage,
    cores,
    canned_jobs,
    attachments,
    inspection_templates,
    inspections,
    recommendations,
    progress,
    comments,
    history,
    timesheets,
    tracking,
    estimates,
    estimate_page,
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
    cores_privacy,
    attachments_privacy,
    inspections_privacy,
    progress_privacy,
    timesheets_privacy,
    estimates_privacy,
    notifications_privacy,
    audit_privacy,
)

# What each feature does when an earlier one announces something: registered by being imported.
HANDLERS = (
    service_tickets_handlers,
    inspections_handlers,
    progress_handlers,
    timesheets_handlers,
    estimates_handlers,
)

# What no route asks for and is done at regular times: registered by being imported.
JOBS = (reminders,)
