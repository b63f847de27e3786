//! The entities: their columns and how each value of a seeded row follows from its id.

use super::cell::Type;
use super::knobs::Rows;
use super::schema_crm as crm;
use super::schema_other as other;

/// An entity; every one has a table in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Deal,
    Lead,
    Contact,
    Company,
    Invoice,
    Item128,
    Item130,
    User,
    Department,
    Task,
    Product,
    Activity,
    StageHistory,
    Elapsed,
    Comment,
    Checklist,
    Address,
    Element,
    DocumentElement,
    Workgroup,
    Notification,
    Chat,
    LogMessage,
    Call,
    File,
    Status,
    Category,
    DealCategory,
    UserField,
    CrmType,
    FieldConfig,
    Template,
}

/// A column: its name in old methods, its name in newer ones, what it holds, how seeded rows are filled.
pub struct Column {
    pub name: &'static str,
    pub camel: &'static str,
    pub kind: Type,
    pub gen_: Gen,
}

/// A column, written shortly.
pub const fn column(name: &'static str, camel: &'static str, kind: Type, gen_: Gen) -> Column {
    Column { name, camel, kind, gen_ }
}

impl Column {
    /// A user field: listed only by `UF_*` in old methods.
    pub fn is_user_field(&self) -> bool {
        self.name.starts_with("UF_CRM_")
    }

    /// The user sets it; the rest the portal keeps itself.
    pub fn is_writable(&self) -> bool {
        !matches!(self.gen_, Gen::Id | Gen::Created | Gen::Modified | Gen::Ended(_) | Gen::EntityType(_))
    }
}

/// How a seeded value comes about. All of them depend on nothing but the seed, the column and the id.
pub enum Gen {
    Id,
    Null,
    Const(&'static str),
    Pick(&'static [&'static str]),
    /// One word of each list, and the id after `№` when numbered.
    Phrase(&'static [&'static [&'static str]], bool),
    /// The id between two texts.
    Numbered(&'static str, &'static str),
    /// A whole number (money: hundredths), both bounds included.
    Range(i64, i64),
    /// The id of a row of another entity.
    Ref(Kind),
    /// When the row was made; rises with the id.
    Created,
    /// Some days after that.
    Modified,
    /// That many days after it was made.
    Later(i64),
    /// Empty except for this many rows of a hundred.
    Sometimes(u64, &'static Gen),
    Phones,
    Emails,
    /// The deal's funnel, and the stage inside it: `NEW`, or `C1:NEW` in the second funnel.
    Funnel,
    Stage,
    /// `{id, name, link, icon}` of the user in another column.
    Person(usize),
    /// Whether the stage in another column ends the deal; the portal keeps it itself.
    Ended(usize),
    EntityType(i64),
    Json(&'static str),
}

/// Where the rows of an entity come from.
pub enum Source {
    /// Made from the id; with holes between the ids or without.
    Seeded { count: fn(&Rows) -> u64, holes: bool },
    /// A JSON list.
    Fixed(&'static str),
}

/// An entity's table.
pub struct Shape {
    pub kind: Kind,
    pub columns: &'static [Column],
    pub source: Source,
}

const fn holes(kind: Kind, columns: &'static [Column], count: fn(&Rows) -> u64) -> Shape {
    Shape { kind, columns, source: Source::Seeded { count, holes: true } }
}

const fn dense(kind: Kind, columns: &'static [Column], count: fn(&Rows) -> u64) -> Shape {
    Shape { kind, columns, source: Source::Seeded { count, holes: false } }
}

const fn fixed(kind: Kind, columns: &'static [Column], rows: &'static str) -> Shape {
    Shape { kind, columns, source: Source::Fixed(rows) }
}

/// All entities, in the order of [`Kind`].
pub static SHAPES: &[Shape] = &[
    holes(Kind::Deal, crm::DEAL, |rows| rows.deals),
    holes(Kind::Lead, crm::LEAD, |rows| rows.leads),
    holes(Kind::Contact, crm::CONTACT, |rows| rows.contacts),
    holes(Kind::Company, crm::COMPANY, |rows| rows.companies),
    holes(Kind::Invoice, crm::INVOICE, |rows| rows.invoices),
    holes(Kind::Item128, crm::ITEM128, |rows| rows.items),
    holes(Kind::Item130, crm::ITEM130, |rows| rows.items),
    dense(Kind::User, other::USER, |rows| rows.users),
    dense(Kind::Department, other::DEPARTMENT, |rows| rows.departments),
    holes(Kind::Task, other::TASK, |rows| rows.tasks),
    holes(Kind::Product, crm::PRODUCT, |rows| rows.products),
    holes(Kind::Activity, crm::ACTIVITY, |rows| rows.activities),
    holes(Kind::StageHistory, crm::STAGE_HISTORY, |rows| rows.stage_history),
    holes(Kind::Elapsed, other::ELAPSED, |rows| rows.elapsed),
    holes(Kind::Comment, other::COMMENT, |rows| rows.comments),
    holes(Kind::Checklist, other::CHECKLIST, |rows| rows.checklist),
    dense(Kind::Address, crm::ADDRESS, |rows| rows.addresses),
    holes(Kind::Element, other::ELEMENT, |rows| rows.elements),
    holes(Kind::DocumentElement, crm::DOCUMENT_ELEMENT, |rows| rows.document_elements),
    holes(Kind::Workgroup, other::WORKGROUP, |rows| rows.workgroups),
    holes(Kind::Notification, other::NOTIFICATION, |rows| rows.notifications),
    holes(Kind::Chat, other::CHAT, |rows| rows.chats),
    holes(Kind::LogMessage, crm::LOG_MESSAGE, |rows| rows.log_messages),
    holes(Kind::Call, other::CALL, |rows| rows.calls),
    holes(Kind::File, other::FILE, |rows| rows.files),
    fixed(Kind::Status, crm::STATUS, crm::STATUS_ROWS),
    fixed(Kind::Category, crm::CATEGORY, crm::CATEGORY_ROWS),
    fixed(Kind::DealCategory, crm::DEAL_CATEGORY, crm::DEAL_CATEGORY_ROWS),
    fixed(Kind::UserField, crm::USER_FIELD, crm::USER_FIELD_ROWS),
    fixed(Kind::CrmType, crm::TYPE, crm::TYPE_ROWS),
    fixed(Kind::FieldConfig, crm::FIELD_CONFIG, crm::FIELD_CONFIG_ROWS),
    fixed(Kind::Template, crm::TEMPLATE, crm::TEMPLATE_ROWS),
];

impl Kind {
    /// The entity's table description.
    pub fn shape(self) -> &'static Shape {
        &SHAPES[self as usize]
    }

    /// Its columns.
    pub fn columns(self) -> &'static [Column] {
        self.shape().columns
    }

    /// The place of a column by either name, in any case.
    pub fn column(self, name: &str) -> Option<usize> {
        self.columns().iter().position(|c| {
            (!c.name.is_empty() && c.name.eq_ignore_ascii_case(name))
                || (!c.camel.is_empty() && c.camel.eq_ignore_ascii_case(name))
        })
    }

    /// The entity behind an `entityTypeId` of `crm.item.*`.
    pub fn of_entity_type(number: i64) -> Option<Kind> {
        Some(match number {
            1 => Kind::Lead,
            2 => Kind::Deal,
            3 => Kind::Contact,
            4 => Kind::Company,
            31 => Kind::Invoice,
            128 => Kind::Item128,
            130 => Kind::Item130,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_stand_in_the_order_of_kinds_and_begin_with_their_id() {
        for (place, shape) in SHAPES.iter().enumerate() {
            assert_eq!(shape.kind as usize, place);
            assert!(shape.columns.first().is_some_and(|c| matches!(c.gen_, Gen::Id)), "{:?}", shape.kind);
        }
    }

    #[test]
    fn a_full_deal_has_23_fields() {
        let shown = Kind::Deal.columns().iter().filter(|c| !c.name.is_empty());
        assert_eq!(shown.count(), 23);
    }
}
