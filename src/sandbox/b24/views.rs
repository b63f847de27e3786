//! The method families as data: which entity, how rows are named, printed, wrapped, paged and sorted.

use super::php::Scalars::{self, Native, Text};
use super::schema::Kind;

/// What a method of a family does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    List,
    Get,
    Add,
    Update,
    Delete,
    Fields,
}

/// Whose rules a family follows: names of parameters, shapes of answers and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `crm.deal.*` and its like: `ID`, rows in plain lists, empty error codes.
    Old,
    /// `crm.item.*`: `id`, `item`, refuses unknown fields.
    Item,
    /// `tasks.task.*`: asked as `ID`, answered as `id`.
    Task,
    /// `lists.element.*`.
    Element,
}

/// How a list is told to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sorting {
    /// A map under this name.
    Map(&'static str),
    /// Field and direction as two texts, `sort` and `order`.
    Strings,
    /// Not at all.
    No,
}

/// A method family.
#[derive(Debug)]
pub struct View {
    pub branch: &'static str,
    /// None: `entityTypeId` says.
    pub kind: Option<Kind>,
    pub dialect: Dialect,
    pub scalars: Scalars,
    /// Fields are answered in their newer names.
    pub camel: bool,
    /// The key around the rows of a list, and around a single row.
    pub rows: &'static str,
    pub one: &'static str,
    /// Rows on a page; 0 gives all at once.
    pub page: u64,
    /// The list tells `total`.
    pub total: bool,
    pub newest_first: bool,
    pub sorting: Sorting,
    /// Filter fields are also taken from the top level.
    pub flat_filter: bool,
    /// Lists leave user fields and phones out unless selected.
    pub narrow: bool,
    /// Parameters a list cannot do without.
    pub required: &'static [&'static str],
    /// Columns bound to a parameter of the same method, if it is given.
    pub given: &'static [(&'static str, &'static str)],
    /// Columns bound to a value.
    pub always: &'static [(&'static str, &'static str)],
    pub methods: &'static [(&'static str, Verb)],
}

const ALL: &[(&str, Verb)] = &[
    ("list", Verb::List),
    ("get", Verb::Get),
    ("add", Verb::Add),
    ("update", Verb::Update),
    ("delete", Verb::Delete),
    ("fields", Verb::Fields),
];
const TASKS: &[(&str, Verb)] = &[
    ("list", Verb::List),
    ("get", Verb::Get),
    ("add", Verb::Add),
    ("update", Verb::Update),
    ("delete", Verb::Delete),
    ("getFields", Verb::Fields),
];
const LIST: &[(&str, Verb)] = &[("list", Verb::List)];
const READ: &[(&str, Verb)] = &[("list", Verb::List), ("get", Verb::Get), ("fields", Verb::Fields)];

/// The family of methods that stand alone.
pub static PLAIN: View = OLD;

/// Old CRM; the others differ from it in what they name.
pub const OLD: View = View {
    branch: "",
    kind: None,
    dialect: Dialect::Old,
    scalars: Text,
    camel: false,
    rows: "",
    one: "",
    page: 50,
    total: true,
    newest_first: false,
    sorting: Sorting::Map("order"),
    flat_filter: false,
    narrow: false,
    required: &[],
    given: &[],
    always: &[],
    methods: LIST,
};

const fn crm(branch: &'static str, kind: Kind) -> View {
    View { branch, kind: Some(kind), narrow: true, methods: ALL, ..OLD }
}

const fn newer(branch: &'static str, kind: Kind, rows: &'static str) -> View {
    View { branch, kind: Some(kind), scalars: Native, camel: true, rows, ..OLD }
}

const fn user_fields(branch: &'static str, always: &'static [(&'static str, &'static str)]) -> View {
    View { branch, kind: Some(Kind::UserField), page: 0, always, ..OLD }
}

/// All families.
pub static VIEWS: &[View] = &[
    crm("crm.deal", Kind::Deal),
    crm("crm.lead", Kind::Lead),
    crm("crm.contact", Kind::Contact),
    crm("crm.company", Kind::Company),
    crm("crm.product", Kind::Product),
    crm("crm.activity", Kind::Activity),
    View {
        dialect: Dialect::Item,
        kind: None,
        one: "item",
        required: &["entityTypeId"],
        methods: ALL,
        ..newer("crm.item", Kind::Deal, "items")
    },
    View { branch: "crm.status", kind: Some(Kind::Status), page: 0, methods: READ, ..OLD },
    View {
        page: 0,
        required: &["entityTypeId"],
        given: &[("ENTITY_TYPE_ID", "entityTypeId")],
        ..newer("crm.category", Kind::Category, "categories")
    },
    View { branch: "crm.dealcategory", kind: Some(Kind::DealCategory), page: 0, methods: READ, ..OLD },
    View {
        branch: "crm.stagehistory",
        kind: Some(Kind::StageHistory),
        rows: "items",
        required: &["entityTypeId"],
        ..OLD
    },
    user_fields("crm.deal.userfield", &[("ENTITY_ID", "CRM_DEAL")]),
    user_fields("crm.lead.userfield", &[("ENTITY_ID", "CRM_LEAD")]),
    user_fields("crm.contact.userfield", &[("ENTITY_ID", "CRM_CONTACT")]),
    user_fields("crm.company.userfield", &[("ENTITY_ID", "CRM_COMPANY")]),
    View { branch: "crm.address", kind: Some(Kind::Address), total: false, ..OLD },
    View { page: 50, ..newer("crm.type", Kind::CrmType, "types") },
    View {
        branch: "crm.timeline.logmessage",
        page: 10,
        given: &[("ENTITY_TYPE_ID", "entityTypeId"), ("ENTITY_ID", "entityId")],
        ..newer("", Kind::LogMessage, "logMessages")
    },
    View { sorting: Sorting::No, ..newer("userfieldconfig", Kind::FieldConfig, "fields") },
    View { sorting: Sorting::No, scalars: Text, ..newer("documentgenerator.template", Kind::Template, "templates") },
    newer("catalog.document.element", Kind::DocumentElement, "documentElements"),
    View { scalars: Text, ..newer("socialnetwork.api.workgroup", Kind::Workgroup, "workgroups") },
    View { branch: "sonet_group", kind: Some(Kind::Workgroup), methods: &[("get", Verb::List)], ..OLD },
    View {
        branch: "user",
        kind: Some(Kind::User),
        sorting: Sorting::Strings,
        flat_filter: true,
        methods: &[("get", Verb::List), ("fields", Verb::Fields)],
        ..OLD
    },
    View {
        branch: "department",
        kind: Some(Kind::Department),
        sorting: Sorting::Strings,
        flat_filter: true,
        methods: &[("get", Verb::List), ("fields", Verb::Fields)],
        ..OLD
    },
    View {
        branch: "voximplant.statistic",
        kind: Some(Kind::Call),
        sorting: Sorting::Strings,
        methods: &[("get", Verb::List)],
        ..OLD
    },
    View {
        dialect: Dialect::Task,
        scalars: Text,
        one: "task",
        newest_first: true,
        methods: TASKS,
        ..newer("tasks.task", Kind::Task, "tasks")
    },
    View {
        branch: "lists.element",
        kind: Some(Kind::Element),
        dialect: Dialect::Element,
        sorting: Sorting::Map("ELEMENT_ORDER"),
        required: &["IBLOCK_TYPE_ID"],
        given: &[("IBLOCK_ID", "IBLOCK_ID"), ("ID", "ELEMENT_ID"), ("CODE", "ELEMENT_CODE")],
        methods: &[("get", Verb::List), ("add", Verb::Add), ("update", Verb::Update), ("delete", Verb::Delete)],
        ..OLD
    },
];

impl View {
    /// A name of a column in this family's answers; empty when the family does not have it.
    pub fn name_of(&self, column: &super::schema::Column) -> &'static str {
        if self.camel { column.camel } else { column.name }
    }
}
