"""fast_bitrix24 against the simulated portal."""

from common import case
from fast_bitrix24 import Bitrix


def run(webhook):
    portal = Bitrix(webhook, verbose=False)
    deals = portal.get_all("crm.deal.list", {"select": ["ID", "TITLE"]})
    case("fast_bitrix24: get_all reads every deal once", (len(deals), len({deal["ID"] for deal in deals})), (100000, 100000))
    ids = [deal["ID"] for deal in deals[:120]]
    found = portal.get_by_ID("crm.deal.get", ids)
    case("fast_bitrix24: get_by_ID finds each", sorted(found), sorted(ids))
    leads = portal.call("crm.lead.add", [{"fields": {"TITLE": title}} for title in ("Проба", "Вторая")])
    read = portal.call("crm.lead.get", [{"ID": lead} for lead in leads])
    case("fast_bitrix24: what was added is read back", [lead["TITLE"] for lead in read], ["Проба", "Вторая"])
    tasks = portal.get_all("tasks.task.list", {"select": ["ID"]})
    case("fast_bitrix24: tasks are unwrapped", len(tasks), 2000)
