//! What is known of methods: how a list is sorted, paged and wrapped, which take a list of ids, which only read.
//!
//! The rows come from the examples of the official documentation (`bitrix24/b24restdocs`) and from the list kept by
//! `leshchenko1979/fast_bitrix24`. A method that is not here is served by the general rules of [`family`].

use crate::error::{Error, Result, did_you_mean};

/// How a list is told to sort by id, oldest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sort {
    /// `order: {ID: "ASC"}`.
    Order(&'static str),
    /// `sort: "ID", order: "ASC"`.
    Pair(&'static str),
    /// `ELEMENT_ORDER: {ID: "ASC"}`.
    Element(&'static str),
    /// Not at all: the method refuses or ignores it.
    No,
}

/// How further pages are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pages {
    /// `start`, an offset; the page's size cannot be changed.
    Start(u64),
    /// Positional parameters; the fifth holds `NAV_PARAMS: {nPageSize, iNumPage}`.
    Nav,
    /// `page`, a number.
    Number,
    /// Cursors or limits of the method's own: the caller pages by its own parameters.
    Own,
}

/// What a method's lists are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Family {
    /// In lower case.
    pub method: &'static str,
    /// The key of the answer that holds the rows; empty when the answer is the list.
    pub wrapper: &'static str,
    pub sort: Sort,
    /// The id's name in `filter` (`>ID`); empty when there is no such filter.
    pub filter_id: &'static str,
    /// The id's name in the rows.
    pub answer_id: &'static str,
    pub pages: Pages,
    /// For lists that take `@ID`: the `select` that makes their rows nearly those of `.get`.
    pub by_ids: Option<&'static [&'static str]>,
}

const ALL: &[&str] = &["*", "UF_*"];
const ALL_AND_CONTACTS: &[&str] = &["*", "UF_*", "PHONE", "EMAIL", "IM", "WEB"];
/// Where the list gives every field by itself.
const AS_IT_IS: &[&str] = &[];

/// `ID` everywhere: the old methods.
const fn old(method: &'static str) -> Family {
    Family {
        method,
        wrapper: "",
        sort: Sort::Order("ID"),
        filter_id: "ID",
        answer_id: "ID",
        pages: Pages::Start(50),
        by_ids: None,
    }
}

/// `id` everywhere, rows under a key: the newer methods.
const fn new(method: &'static str, wrapper: &'static str) -> Family {
    Family { wrapper, sort: Sort::Order("id"), filter_id: "id", answer_id: "id", ..old(method) }
}

/// `ID` in questions, `id` in answers.
const fn mixed(method: &'static str, wrapper: &'static str) -> Family {
    Family { wrapper, answer_id: "id", ..old(method) }
}

impl Family {
    const fn by_ids(self, select: &'static [&'static str]) -> Family {
        Family { by_ids: Some(select), ..self }
    }

    const fn sorted(self, sort: Sort) -> Family {
        Family { sort, ..self }
    }

    const fn without_ids(self) -> Family {
        Family { sort: Sort::No, filter_id: "", answer_id: "", ..self }
    }

    const fn paged(self, pages: Pages) -> Family {
        Family { pages, ..self }
    }

    /// Whether a list can be read by `>ID`, each page after the last one's highest id.
    pub fn goes_by_id(&self) -> bool {
        !self.filter_id.is_empty() && matches!(self.sort, Sort::Order(_)) && matches!(self.pages, Pages::Start(_))
    }
}

const FAMILIES: &[Family] = &[
    old("crm.deal.list").by_ids(ALL),
    old("crm.lead.list").by_ids(ALL_AND_CONTACTS),
    old("crm.contact.list").by_ids(ALL_AND_CONTACTS),
    old("crm.company.list").by_ids(ALL_AND_CONTACTS),
    old("crm.quote.list").by_ids(ALL),
    old("crm.product.list").by_ids(ALL),
    old("crm.activity.list").by_ids(ALL),
    old("crm.status.list"),
    old("crm.address.list").without_ids(),
    old("crm.deal.userfield.list").sorted(Sort::No),
    old("crm.dealcategory.stage.list").without_ids(),
    old("crm.deal.contact.items.get").without_ids().paged(Pages::Own),
    old("crm.company.contact.items.get").without_ids().paged(Pages::Own),
    old("crm.deal.productrows.get").without_ids().paged(Pages::Own),
    old("crm.timeline.logmessage.list").paged(Pages::Start(10)),
    new("crm.item.list", "items").by_ids(AS_IT_IS),
    Family { answer_id: "ID", ..mixed("crm.stagehistory.list", "items") },
    new("crm.item.productrow.list", "productRows"),
    new("crm.category.list", "categories").sorted(Sort::No).paged(Pages::Own),
    new("crm.orderentity.list", "orderEntity").without_ids(),
    new("crm.type.list", "types"),
    new("crm.automatedsolution.list", "automatedSolutions"),
    new("crm.documentgenerator.document.list", "documents"),
    new("catalog.catalog.list", "catalogs"),
    new("catalog.product.list", "products"),
    new("catalog.product.offer.list", "offers"),
    new("catalog.product.service.list", "services"),
    new("catalog.product.sku.list", "units"),
    new("catalog.price.list", "prices"),
    new("catalog.store.list", "stores"),
    new("catalog.storeproduct.list", "storeProducts"),
    new("catalog.document.list", "documents"),
    new("catalog.document.element.list", "documentElements"),
    new("catalog.productproperty.list", "productProperties"),
    new("sale.order.list", "orders"),
    new("sale.basketitem.list", "basketItems"),
    new("sale.payment.list", "payments"),
    new("sale.shipment.list", "shipments"),
    new("sale.property.list", "properties"),
    new("sale.propertyvalue.list", "propertyValues"),
    new("sale.status.list", "statuses"),
    mixed("tasks.task.list", "tasks").by_ids(ALL),
    mixed("tasks.task.history.list", "list").without_ids(),
    mixed("socialnetwork.api.workgroup.list", "workgroups"),
    new("userfieldconfig.list", "fields").sorted(Sort::No),
    new("documentgenerator.document.list", "documents"),
    new("documentgenerator.role.list", "roles"),
    new("documentgenerator.template.list", "templates").sorted(Sort::No),
    new("booking.v1.booking.list", "booking"),
    new("booking.v1.resource.list", "resource"),
    old("user.get").sorted(Sort::Pair("ID")),
    old("user.search").sorted(Sort::Pair("ID")),
    old("department.get").sorted(Sort::Pair("ID")),
    old("sonet_group.get"),
    old("lists.element.get").sorted(Sort::Element("ID")),
    old("disk.storage.getlist"),
    old("disk.storage.getchildren"),
    old("disk.folder.getchildren"),
    old("voximplant.statistic.get").sorted(Sort::No),
    old("task.elapseditem.getlist").sorted(Sort::No).paged(Pages::Nav),
    old("task.commentitem.getlist").sorted(Sort::No).paged(Pages::Own),
    old("task.checklistitem.getlist").sorted(Sort::No).paged(Pages::Own),
    new("im.recent.list", "items").without_ids().paged(Pages::Own),
    new("im.notify.get", "notifications").without_ids().paged(Pages::Own),
    new("im.dialog.messages.get", "messages").without_ids().paged(Pages::Own),
];

/// Scopes whose methods say `id`, not `ID`.
const SAYS_ID: &[&str] = &[
    "crm.item.",
    "crm.type.",
    "crm.automatedsolution.",
    "catalog.",
    "sale.",
    "booking.",
    "documentgenerator.",
    "userfieldconfig.",
];

/// What is known of a method that gives a list; `None` for a method that gives something else. What is not in the table
/// is a list when its name says so.
pub fn family(method: &str) -> Option<Family> {
    let method = method.to_ascii_lowercase();
    if let Some(known) = FAMILIES.iter().find(|family| family.method == method) {
        return Some(*known);
    }
    let last = method.rsplit('.').next().unwrap_or_default();
    match last {
        "tail" => Some(new("", "items").without_ids().paged(Pages::Own)),
        "list" | "getlist" if method.starts_with("biconnector.") => Some(new("", "").paged(Pages::Number)),
        "list" | "getlist" if method.starts_with("im.") => Some(new("", "").without_ids().paged(Pages::Own)),
        "list" | "getlist" if SAYS_ID.iter().any(|scope| method.starts_with(scope)) => Some(new("", "")),
        "list" | "getlist" => Some(old("")),
        _ => None,
    }
}

/// The name under which a method that gives one thing takes its id.
pub fn id_parameter(method: &str) -> &'static str {
    let method = method.to_ascii_lowercase();
    match method.as_str() {
        "tasks.task.get" => "taskId",
        "crm.item.productrow.get" => "id",
        _ if SAYS_ID.iter().any(|scope| method.starts_with(scope)) => "id",
        _ if method.starts_with("disk.") => "id",
        _ if method.starts_with("task.") => "TASKID",
        _ => "ID",
    }
}

/// Methods that take their parameters by place.
pub fn is_positional(method: &str) -> bool {
    let method = method.to_ascii_lowercase();
    ["task.commentitem.", "task.checklistitem.", "task.elapseditem.", "task.item."]
        .iter()
        .any(|family| method.starts_with(family))
}

/// Last words of methods that only read.
const READING: &[&str] = &[
    "aggregate",
    "count",
    "fields",
    "findbycomm",
    "get",
    "getaccess",
    "getallowedactions",
    "getavailableforpayment",
    "getchildren",
    "getdata",
    "getdependson",
    "getdescription",
    "getfields",
    "getfiles",
    "getlist",
    "getmanifest",
    "gettypes",
    "getversions",
    "isactionallowed",
    "items",
    "list",
    "search",
    "tail",
    "types",
];

/// Methods that only read and do not look like it.
const READING_WHOLE: &[&str] = &[
    "access.name",
    "app.info",
    "bizproc.workflow.instances",
    "lists.get.iblock.type.id",
    "methods",
    "profile",
    "scope",
    "server.time",
    "user.access",
    "user.admin",
    "user.current",
];

/// Methods that look like reading and change something: taking offline events removes them from the queue, asking for a
/// folder makes it.
const CHANGING_WHOLE: &[&str] = &["event.offline.get", "im.disk.folder.get"];

/// Whether a method may change something. What is not known to read is taken to change.
pub fn changes(method: &str) -> bool {
    let method = method.to_ascii_lowercase();
    let last = method.rsplit('.').next().unwrap_or_default();
    let reads = method.starts_with("crm.enum.") || READING.contains(&last) || READING_WHOLE.contains(&method.as_str());
    !reads || CHANGING_WHOLE.contains(&method.as_str())
}

/// A method's name as it can be sent, or what is wrong with it. `batch` has a call of its own.
pub fn check_name(method: &str) -> Result<()> {
    let wrong = |message: String| Error::input("b24.wrong_method", message);
    if method.trim().is_empty() {
        return Err(wrong("the method's name is empty".into()).hint("name a method, such as crm.deal.list"));
    }
    if method.eq_ignore_ascii_case("batch") {
        return Err(wrong("`batch` is not called by its name".into())
            .hint("use call_batch for a batch of your own; everything else is put into batches by itself"));
    }
    if let Some((name, _)) = method.split_once('?') {
        return Err(wrong(format!("`{method}`: the parameters stand in the name"))
            .hint(format!("call `{name}` and give the parameters as a map")));
    }
    let lower = method.to_ascii_lowercase();
    if let Some(name) = [".json", ".xml"].iter().find_map(|ending| lower.strip_suffix(ending)) {
        return Err(wrong(format!("`{method}` has an ending for browsers")).hint(format!("call `{name}`")));
    }
    if let Some(letter) = method.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
        let hint = match letter {
            'а'..='я' | 'А'..='Я' | 'ё' | 'Ё' => "switch the keyboard to Latin letters and write the name again",
            _ => "a name is made of Latin letters, digits, dots and underscores, such as crm.deal.list",
        };
        return Err(wrong(format!("`{method}`: there can be no `{letter}` in a method's name")).hint(hint));
    }
    match method.split('.').any(str::is_empty) {
        true => Err(wrong(format!("`{method}`: a dot too many")).hint("write it as crm.deal.list")),
        false => Ok(()),
    }
}

/// "did you mean …" for a method that the portal does not know.
pub fn near(method: &str) -> Option<String> {
    let (scope, last) = method.rsplit_once('.')?;
    // `crm.deal.add` is not in the table, its scope is.
    let mut known: Vec<String> = Vec::new();
    for family in FAMILIES {
        let known_scope = family.method.rsplit_once('.').map_or(family.method, |(scope, _)| scope);
        known.push(family.method.to_owned());
        known.extend(["add", "update", "delete", "get", "fields"].map(|verb| format!("{known_scope}.{verb}")));
    }
    known.retain(|name| !name.eq_ignore_ascii_case(method));
    known.sort();
    known.dedup();
    let same_scope: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|name| name.rsplit_once('.').is_some_and(|(s, _)| s == scope))
        .collect();
    match same_scope.is_empty() || last.is_empty() {
        true => did_you_mean(method, known.iter().map(String::as_str)),
        false => did_you_mean(method, same_scope),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_method_once_in_lower_case() {
        for (at, family) in FAMILIES.iter().enumerate() {
            assert_eq!(family.method, family.method.to_lowercase());
            assert!(FAMILIES[..at].iter().all(|other| other.method != family.method), "{}", family.method);
            assert!(!changes(family.method), "{}", family.method);
        }
    }

    #[test]
    fn what_is_not_in_the_table_follows_its_name() {
        assert_eq!(family("CRM.Deal.List").unwrap().filter_id, "ID");
        assert_eq!(family("catalog.productPropertyEnum.list").unwrap().answer_id, "id");
        assert_eq!(family("some.thing.list").unwrap().sort, Sort::Order("ID"));
        assert_eq!(family("biconnector.source.list").unwrap().pages, Pages::Number);
        assert!(family("crm.deal.fields").is_none());
        assert!(family("crm.deal.get").is_none());
        assert!(family("crm.item.list").unwrap().goes_by_id());
        assert!(!family("user.get").unwrap().goes_by_id());
        assert!(!family("crm.address.list").unwrap().goes_by_id());
    }

    #[test]
    fn what_is_not_known_to_read_changes() {
        for reads in [
            "crm.deal.list",
            "user.current",
            "crm.item.get",
            "task.elapseditem.getlist",
            "Profile",
            "crm.enum.ownertype",
        ] {
            assert!(!changes(reads), "{reads}");
        }
        for writes in [
            "crm.deal.add",
            "crm.deal.productrows.set",
            "event.offline.get",
            "bizproc.workflow.start",
            "x",
            "crm.item.batchImport",
        ] {
            assert!(changes(writes), "{writes}");
        }
    }

    #[test]
    fn a_wrong_name_is_refused_before_anything_is_sent() {
        for (name, message, hint) in [
            ("", "empty", "crm.deal.list"),
            ("batch", "not called by its name", "call_batch"),
            ("crm deal list", "no ` `", "Latin"),
            ("/crm.deal.list", "no `/`", "Latin"),
            ("сrm.deal.list", "no `с`", "keyboard"),
            ("crm.deal.list?ID=1", "parameters", "call `crm.deal.list`"),
            ("crm.deal.list.json", "browsers", "call `crm.deal.list`"),
            ("crm..list", "dot", "crm.deal.list"),
        ] {
            let error = check_name(name).unwrap_err();
            assert!(error.message().contains(message), "{name}: {error}");
            assert!(error.hint_text().unwrap().contains(hint), "{name}: {error:?}");
        }
        check_name("crm.item.batchImport").unwrap();
        check_name("booking.v1.booking.list").unwrap();
    }

    #[test]
    fn an_unknown_method_has_near_ones() {
        assert!(near("crm.deal.lst").unwrap().starts_with("did you mean `crm.deal.list`"));
        assert!(near("crm.dael.list").unwrap().starts_with("did you mean `crm.deal.list`"));
        assert!(near("crm.deal.updat").unwrap().starts_with("did you mean `crm.deal.update`"));
        assert_eq!(near("nothing.like.it"), None);
    }
}
