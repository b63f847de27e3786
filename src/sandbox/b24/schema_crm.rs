//! Columns of the CRM's entities.

use super::cell::Type::{Char, Crm, Day, Int, Moment, Money, Multi, Status, Text, User};
use super::schema::Gen::*;
use super::schema::{Column, Kind, column as c};
use super::words as w;

const CURRENCY: Column = c("CURRENCY_ID", "currencyId", Status, Const("RUB"));
const SOME_COMMENT: Gen2 = Sometimes(30, &Phrase(&[w::COMMENT], false));
type Gen2 = super::schema::Gen;
const SOURCES: &[&str] = &["CALL", "WEB", "EMAIL", "ADVERTISING", "PARTNER", "RECOMMENDATION"];

/// Where a deal's stage stands among its columns.
const DEAL_STAGE: usize = 3;

pub const DEAL: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TITLE", "title", Text, Phrase(&[w::WORK, w::OBJECT], true)),
    c("TYPE_ID", "typeId", Status, Pick(&["SALE", "COMPLEX", "GOODS", "SERVICES"])),
    c("STAGE_ID", "stageId", Status, Stage),
    c("CATEGORY_ID", "categoryId", Int, Funnel),
    CURRENCY,
    c("OPPORTUNITY", "opportunity", Money, Range(99_900, 250_000_000)),
    c("COMPANY_ID", "companyId", Crm("crm_company"), Sometimes(70, &Ref(Kind::Company))),
    c("CONTACT_ID", "contactId", Crm("crm_contact"), Sometimes(85, &Ref(Kind::Contact))),
    c("BEGINDATE", "begindate", Moment, Later(0)),
    c("CLOSEDATE", "closedate", Moment, Later(30)),
    c("ASSIGNED_BY_ID", "assignedById", User, Ref(Kind::User)),
    c("CREATED_BY_ID", "createdBy", User, Ref(Kind::User)),
    c("MODIFY_BY_ID", "updatedBy", User, Ref(Kind::User)),
    c("DATE_CREATE", "createdTime", Moment, Created),
    c("DATE_MODIFY", "updatedTime", Moment, Modified),
    c("OPENED", "opened", Char, Pick(&["Y", "Y", "Y", "N"])),
    c("CLOSED", "closed", Char, Ended(DEAL_STAGE)),
    c("COMMENTS", "comments", Text, SOME_COMMENT),
    c("ORIGINATOR_ID", "originatorId", Text, Null),
    c("ORIGIN_ID", "originId", Text, Null),
    c("UF_CRM_CHANNEL", "ufCrmChannel", Text, Phrase(&[w::CHANNEL], false)),
    c("UF_CRM_1660000001", "ufCrm1660000001", Text, Range(100_000, 999_999)),
    c("", "entityTypeId", Int, EntityType(2)),
];

pub const LEAD: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TITLE", "title", Text, Phrase(&[w::WISH, w::CITY], true)),
    c("NAME", "name", Text, Phrase(&[w::FIRST], false)),
    c("LAST_NAME", "lastName", Text, Phrase(&[w::LAST], false)),
    c("SOURCE_ID", "sourceId", Status, Pick(SOURCES)),
    c("STATUS_ID", "stageId", Status, Pick(&["NEW", "IN_PROCESS", "PROCESSED", "CONVERTED", "JUNK"])),
    c("COMMENTS", "comments", Text, SOME_COMMENT),
    CURRENCY,
    c("OPPORTUNITY", "opportunity", Money, Range(0, 9_000_000)),
    c("COMPANY_TITLE", "companyTitle", Text, Sometimes(40, &Phrase(&[w::FORM, w::FIRM], false))),
    c("OPENED", "opened", Char, Pick(&["Y", "N"])),
    c("HAS_PHONE", "hasPhone", Char, Const("Y")),
    c("HAS_EMAIL", "hasEmail", Char, Const("N")),
    c("ASSIGNED_BY_ID", "assignedById", User, Ref(Kind::User)),
    c("CREATED_BY_ID", "createdBy", User, Ref(Kind::User)),
    c("MODIFY_BY_ID", "updatedBy", User, Ref(Kind::User)),
    c("DATE_CREATE", "createdTime", Moment, Created),
    c("DATE_MODIFY", "updatedTime", Moment, Modified),
    c("ORIGINATOR_ID", "originatorId", Text, Null),
    c("ORIGIN_ID", "originId", Text, Null),
    c("UF_CRM_CHANNEL", "ufCrmChannel", Text, Phrase(&[w::CHANNEL], false)),
    c("PHONE", "", Multi, Phones),
    c("EMAIL", "", Multi, Null),
    c("WEB", "", Multi, Null),
    c("IM", "", Multi, Null),
    c("", "entityTypeId", Int, EntityType(1)),
];

pub const CONTACT: &[Column] = &[
    c("ID", "id", Int, Id),
    c("HONORIFIC", "honorific", Status, Null),
    c("NAME", "name", Text, Phrase(&[w::FIRST], false)),
    c("SECOND_NAME", "secondName", Text, Phrase(&[w::SECOND], false)),
    c("LAST_NAME", "lastName", Text, Phrase(&[w::LAST], false)),
    c("POST", "post", Text, Phrase(&[w::POST], false)),
    c("BIRTHDATE", "birthdate", Day, Null),
    c("TYPE_ID", "typeId", Status, Pick(&["CLIENT", "SUPPLIER", "PARTNER"])),
    c("SOURCE_ID", "sourceId", Status, Pick(SOURCES)),
    c("COMPANY_ID", "companyId", Crm("crm_company"), Sometimes(60, &Ref(Kind::Company))),
    c("COMMENTS", "comments", Text, SOME_COMMENT),
    c("OPENED", "opened", Char, Pick(&["Y", "N"])),
    c("EXPORT", "export", Char, Const("Y")),
    c("HAS_PHONE", "hasPhone", Char, Const("Y")),
    c("HAS_EMAIL", "hasEmail", Char, Const("Y")),
    c("ASSIGNED_BY_ID", "assignedById", User, Ref(Kind::User)),
    c("CREATED_BY_ID", "createdBy", User, Ref(Kind::User)),
    c("MODIFY_BY_ID", "updatedBy", User, Ref(Kind::User)),
    c("DATE_CREATE", "createdTime", Moment, Created),
    c("DATE_MODIFY", "updatedTime", Moment, Modified),
    c("ORIGINATOR_ID", "originatorId", Text, Null),
    c("ORIGIN_ID", "originId", Text, Null),
    c("UF_CRM_1660000002", "ufCrm1660000002", Text, Sometimes(20, &Range(1000, 9999))),
    c("PHONE", "", Multi, Phones),
    c("EMAIL", "", Multi, Emails),
    c("WEB", "", Multi, Null),
    c("IM", "", Multi, Null),
    c("", "entityTypeId", Int, EntityType(3)),
];

pub const COMPANY: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TITLE", "title", Text, Phrase(&[w::FORM, w::FIRM], true)),
    c("COMPANY_TYPE", "typeId", Status, Pick(&["CUSTOMER", "SUPPLIER", "PARTNER"])),
    c("INDUSTRY", "industry", Status, Pick(&["IT", "TELECOM", "MANUFACTURING", "FINANCE"])),
    c("EMPLOYEES", "employees", Status, Pick(&["EMPLOYEES_1", "EMPLOYEES_2", "EMPLOYEES_3"])),
    CURRENCY,
    c("REVENUE", "revenue", Money, Range(0, 99_000_000_000)),
    c("COMMENTS", "comments", Text, SOME_COMMENT),
    c("OPENED", "opened", Char, Pick(&["Y", "N"])),
    c("IS_MY_COMPANY", "isMyCompany", Char, Const("N")),
    c("HAS_PHONE", "hasPhone", Char, Const("Y")),
    c("HAS_EMAIL", "hasEmail", Char, Const("Y")),
    c("ASSIGNED_BY_ID", "assignedById", User, Ref(Kind::User)),
    c("CREATED_BY_ID", "createdBy", User, Ref(Kind::User)),
    c("MODIFY_BY_ID", "updatedBy", User, Ref(Kind::User)),
    c("DATE_CREATE", "createdTime", Moment, Created),
    c("DATE_MODIFY", "updatedTime", Moment, Modified),
    c("ORIGINATOR_ID", "originatorId", Text, Null),
    c("ORIGIN_ID", "originId", Text, Null),
    c("UF_CRM_INN", "ufCrmInn", Text, Range(7_700_000_000, 7_799_999_999)),
    c("PHONE", "", Multi, Phones),
    c("EMAIL", "", Multi, Emails),
    c("WEB", "", Multi, Null),
    c("IM", "", Multi, Null),
    c("", "entityTypeId", Int, EntityType(4)),
];

/// Invoices and smart processes differ in nothing but their number here.
macro_rules! item {
    ($number:literal, $stage:literal) => {
        &[
            c("ID", "id", Int, Id),
            c("TITLE", "title", Text, Phrase(&[w::WORK, w::OBJECT], true)),
            c("CREATED_BY", "createdBy", User, Ref(Kind::User)),
            c("UPDATED_BY", "updatedBy", User, Ref(Kind::User)),
            c("ASSIGNED_BY_ID", "assignedById", User, Ref(Kind::User)),
            c("CREATED_TIME", "createdTime", Moment, Created),
            c("UPDATED_TIME", "updatedTime", Moment, Modified),
            c(
                "STAGE_ID",
                "stageId",
                Status,
                Pick(&[concat!($stage, ":NEW"), concat!($stage, ":PREPARATION"), concat!($stage, ":SUCCESS")]),
            ),
            c("CATEGORY_ID", "categoryId", Int, Const("7")),
            c("OPENED", "opened", Char, Const("Y")),
            c("BEGINDATE", "begindate", Moment, Later(0)),
            c("CLOSEDATE", "closedate", Moment, Later(14)),
            CURRENCY,
            c("OPPORTUNITY", "opportunity", Money, Range(50_000, 50_000_000)),
            c("COMPANY_ID", "companyId", Crm("crm_company"), Ref(Kind::Company)),
            c("CONTACT_ID", "contactId", Crm("crm_contact"), Sometimes(50, &Ref(Kind::Contact))),
            c("XML_ID", "xmlId", Text, Null),
            c("UF_CRM_5_NUMBER", "ufCrm5Number", Text, Range(1000, 99_999)),
            c("", "entityTypeId", Int, EntityType($number)),
        ]
    };
}

pub const INVOICE: &[Column] = item!(31, "DT31_7");
pub const ITEM128: &[Column] = item!(128, "DT128_7");
pub const ITEM130: &[Column] = item!(130, "DT130_7");

pub const PRODUCT: &[Column] = &[
    c("ID", "id", Int, Id),
    c("NAME", "name", Text, Phrase(&[w::GOODS], true)),
    c("CODE", "code", Text, Null),
    c("ACTIVE", "active", Char, Const("Y")),
    c("PRICE", "price", Money, Range(10_000, 9_000_000)),
    CURRENCY,
    c("CATALOG_ID", "iblockId", Int, Const("25")),
    c("SECTION_ID", "iblockSectionId", Int, Null),
    c("DESCRIPTION", "detailText", Text, Null),
    c("MEASURE", "measure", Int, Const("5")),
    c("XML_ID", "xmlId", Text, Null),
    c("DATE_CREATE", "dateCreate", Moment, Created),
    c("TIMESTAMP_X", "timestampX", Moment, Modified),
];

pub const ACTIVITY: &[Column] = &[
    c("ID", "id", Int, Id),
    c("OWNER_ID", "ownerId", Int, Ref(Kind::Deal)),
    c("OWNER_TYPE_ID", "ownerTypeId", Int, Const("2")),
    c("TYPE_ID", "typeId", Int, Pick(&["1", "2", "4"])),
    c("PROVIDER_ID", "providerId", Text, Pick(&["CRM_MEETING", "VOXIMPLANT_CALL", "CRM_EMAIL"])),
    c("SUBJECT", "subject", Text, Phrase(&[w::TASK], false)),
    c("DESCRIPTION", "description", Text, SOME_COMMENT),
    c("COMPLETED", "completed", Char, Pick(&["Y", "N"])),
    c("DIRECTION", "direction", Int, Pick(&["1", "2"])),
    c("RESPONSIBLE_ID", "responsibleId", User, Ref(Kind::User)),
    c("DEADLINE", "deadline", Moment, Later(3)),
    c("CREATED", "created", Moment, Created),
    c("LAST_UPDATED", "lastUpdated", Moment, Modified),
];

pub const STAGE_HISTORY: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TYPE_ID", "typeId", Int, Pick(&["1", "2", "2", "3"])),
    c("OWNER_ID", "ownerId", Int, Ref(Kind::Deal)),
    c("CREATED_TIME", "createdTime", Moment, Created),
    c("CATEGORY_ID", "categoryId", Int, Funnel),
    c("STAGE_SEMANTIC_ID", "stageSemanticId", Text, Pick(&["P", "P", "S", "F"])),
    c("STAGE_ID", "stageId", Status, Stage),
];

/// The row number is kept for the table only: an address has no `ID`.
pub const ADDRESS: &[Column] = &[
    c("", "", Int, Id),
    c("TYPE_ID", "typeId", Int, Pick(&["1", "6"])),
    c("ENTITY_TYPE_ID", "entityTypeId", Int, Const("8")),
    c("ENTITY_ID", "entityId", Int, Range(1, 3000)),
    c("ADDRESS_1", "address1", Text, Phrase(&[w::STREET], true)),
    c("CITY", "city", Text, Phrase(&[w::CITY], false)),
    c("POSTAL_CODE", "postalCode", Text, Range(101_000, 690_999)),
    c("COUNTRY", "country", Text, Const("Россия")),
    c("ANCHOR_TYPE_ID", "anchorTypeId", Int, Const("3")),
    c("ANCHOR_ID", "anchorId", Int, Ref(Kind::Contact)),
];

pub const DOCUMENT_ELEMENT: &[Column] = &[
    c("ID", "id", Int, Id),
    c("DOC_ID", "docId", Int, Range(1, 20)),
    c("ELEMENT_ID", "elementId", Int, Ref(Kind::Product)),
    c("STORE_FROM", "storeFrom", Int, Null),
    c("STORE_TO", "storeTo", Int, Range(1, 4)),
    c("AMOUNT", "amount", Int, Range(1, 50)),
    c("PURCHASING_PRICE", "purchasingPrice", Money, Range(10_000, 900_000)),
];

pub const LOG_MESSAGE: &[Column] = &[
    c("ID", "id", Int, Id),
    c("CREATED", "created", Moment, Created),
    c("AUTHOR_ID", "authorId", User, Ref(Kind::User)),
    c("TITLE", "title", Text, Phrase(&[w::TASK], true)),
    c("TEXT", "text", Text, Phrase(&[w::COMMENT], false)),
    c("ICON_CODE", "iconCode", Text, Const("info")),
    c("ENTITY_TYPE_ID", "entityTypeId", Int, Const("2")),
    c("ENTITY_ID", "entityId", Int, Range(1, 3)),
];

pub const STATUS: &[Column] = &[
    c("ID", "id", Int, Id),
    c("ENTITY_ID", "entityId", Text, Null),
    c("STATUS_ID", "statusId", Text, Null),
    c("NAME", "name", Text, Null),
    c("NAME_INIT", "nameInit", Text, Null),
    c("SORT", "sort", Int, Null),
    c("SYSTEM", "system", Char, Null),
    c("CATEGORY_ID", "categoryId", Int, Null),
    c("COLOR", "color", Text, Null),
    c("SEMANTICS", "semantics", Text, Null),
];

pub const STATUS_ROWS: &str = r##"[
{"ENTITY_ID":"STATUS","STATUS_ID":"NEW","NAME":"Не обработан","SORT":10,"SYSTEM":"Y","COLOR":"#39A8EF"},
{"ENTITY_ID":"STATUS","STATUS_ID":"IN_PROCESS","NAME":"В работе","SORT":20,"SYSTEM":"N","COLOR":"#2FC6F6"},
{"ENTITY_ID":"STATUS","STATUS_ID":"PROCESSED","NAME":"Обработан","SORT":30,"SYSTEM":"N","COLOR":"#55D0E0"},
{"ENTITY_ID":"STATUS","STATUS_ID":"CONVERTED","NAME":"Качественный лид","SORT":40,"SYSTEM":"Y","SEMANTICS":"S"},
{"ENTITY_ID":"STATUS","STATUS_ID":"JUNK","NAME":"Некачественный лид","SORT":50,"SYSTEM":"Y","SEMANTICS":"F"},
{"ENTITY_ID":"SOURCE","STATUS_ID":"CALL","NAME":"Звонок","SORT":10,"SYSTEM":"Y"},
{"ENTITY_ID":"SOURCE","STATUS_ID":"EMAIL","NAME":"Электронная почта","SORT":20,"SYSTEM":"Y"},
{"ENTITY_ID":"SOURCE","STATUS_ID":"WEB","NAME":"Веб-сайт","SORT":30,"SYSTEM":"Y"},
{"ENTITY_ID":"SOURCE","STATUS_ID":"ADVERTISING","NAME":"Реклама","SORT":40,"SYSTEM":"N"},
{"ENTITY_ID":"SOURCE","STATUS_ID":"PARTNER","NAME":"Существующий клиент","SORT":50,"SYSTEM":"N"},
{"ENTITY_ID":"SOURCE","STATUS_ID":"RECOMMENDATION","NAME":"По рекомендации","SORT":60,"SYSTEM":"N"},
{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"NEW","NAME":"Новая","SORT":10,"SYSTEM":"Y","CATEGORY_ID":0,"COLOR":"#39A8EF"},
{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"PREPARATION","NAME":"Подготовка документов","SORT":20,"SYSTEM":"N","CATEGORY_ID":0},
{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"EXECUTING","NAME":"В работе","SORT":30,"SYSTEM":"N","CATEGORY_ID":0},
{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"FINAL_INVOICE","NAME":"Финальный счёт","SORT":40,"SYSTEM":"N","CATEGORY_ID":0},
{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"WON","NAME":"Сделка успешна","SORT":50,"SYSTEM":"Y","CATEGORY_ID":0,"SEMANTICS":"S"},
{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"LOSE","NAME":"Сделка провалена","SORT":60,"SYSTEM":"Y","CATEGORY_ID":0,"SEMANTICS":"F"},
{"ENTITY_ID":"DEAL_STAGE_1","STATUS_ID":"C1:NEW","NAME":"Новая","SORT":10,"SYSTEM":"Y","CATEGORY_ID":1},
{"ENTITY_ID":"DEAL_STAGE_1","STATUS_ID":"C1:EXECUTING","NAME":"В работе","SORT":20,"SYSTEM":"N","CATEGORY_ID":1},
{"ENTITY_ID":"DEAL_STAGE_1","STATUS_ID":"C1:WON","NAME":"Продлён","SORT":30,"SYSTEM":"Y","CATEGORY_ID":1,"SEMANTICS":"S"},
{"ENTITY_ID":"DEAL_STAGE_1","STATUS_ID":"C1:LOSE","NAME":"Отказ","SORT":40,"SYSTEM":"Y","CATEGORY_ID":1,"SEMANTICS":"F"},
{"ENTITY_ID":"DEAL_TYPE","STATUS_ID":"SALE","NAME":"Продажа","SORT":10,"SYSTEM":"Y"},
{"ENTITY_ID":"DEAL_TYPE","STATUS_ID":"SERVICES","NAME":"Услуги","SORT":20,"SYSTEM":"N"},
{"ENTITY_ID":"CONTACT_TYPE","STATUS_ID":"CLIENT","NAME":"Клиенты","SORT":10,"SYSTEM":"Y"},
{"ENTITY_ID":"COMPANY_TYPE","STATUS_ID":"CUSTOMER","NAME":"Клиент","SORT":10,"SYSTEM":"Y"}
]"##;

pub const CATEGORY: &[Column] = &[
    c("", "", Int, Id),
    c("ID", "id", Int, Null),
    c("NAME", "name", Text, Null),
    c("SORT", "sort", Int, Null),
    c("ENTITY_TYPE_ID", "entityTypeId", Int, Null),
    c("IS_DEFAULT", "isDefault", Char, Null),
    c("ORIGIN_ID", "originId", Text, Null),
    c("ORIGINATOR_ID", "originatorId", Text, Null),
];

pub const CATEGORY_ROWS: &str = r#"[
{"ID":0,"NAME":"Продажи","SORT":10,"ENTITY_TYPE_ID":2,"IS_DEFAULT":"Y"},
{"ID":1,"NAME":"Продления","SORT":20,"ENTITY_TYPE_ID":2,"IS_DEFAULT":"N"},
{"ID":7,"NAME":"Общее","SORT":10,"ENTITY_TYPE_ID":128,"IS_DEFAULT":"Y"}
]"#;

pub const DEAL_CATEGORY: &[Column] = &[
    c("ID", "id", Int, Id),
    c("NAME", "name", Text, Null),
    c("SORT", "sort", Int, Null),
    c("IS_LOCKED", "isLocked", Char, Null),
    c("CREATED_DATE", "createdDate", Moment, Null),
];

pub const DEAL_CATEGORY_ROWS: &str =
    r#"[{"NAME":"Продления","SORT":20,"IS_LOCKED":"N","CREATED_DATE":"2019-02-01T10:00:00+03:00"}]"#;

pub const USER_FIELD: &[Column] = &[
    c("ID", "id", Int, Id),
    c("ENTITY_ID", "entityId", Text, Null),
    c("FIELD_NAME", "fieldName", Text, Null),
    c("USER_TYPE_ID", "userTypeId", Text, Null),
    c("XML_ID", "xmlId", Text, Null),
    c("SORT", "sort", Int, Null),
    c("MULTIPLE", "multiple", Char, Null),
    c("MANDATORY", "mandatory", Char, Null),
];

pub const USER_FIELD_ROWS: &str = r#"[
{"ENTITY_ID":"CRM_DEAL","FIELD_NAME":"UF_CRM_CHANNEL","USER_TYPE_ID":"string","SORT":100,"MULTIPLE":"N","MANDATORY":"N"},
{"ENTITY_ID":"CRM_DEAL","FIELD_NAME":"UF_CRM_1660000001","USER_TYPE_ID":"string","SORT":110,"MULTIPLE":"N","MANDATORY":"N"},
{"ENTITY_ID":"CRM_LEAD","FIELD_NAME":"UF_CRM_CHANNEL","USER_TYPE_ID":"string","SORT":100,"MULTIPLE":"N","MANDATORY":"N"},
{"ENTITY_ID":"CRM_CONTACT","FIELD_NAME":"UF_CRM_1660000002","USER_TYPE_ID":"string","SORT":100,"MULTIPLE":"N","MANDATORY":"N"},
{"ENTITY_ID":"CRM_COMPANY","FIELD_NAME":"UF_CRM_INN","USER_TYPE_ID":"string","SORT":100,"MULTIPLE":"N","MANDATORY":"Y"}
]"#;

pub const TYPE: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TITLE", "title", Text, Null),
    c("CODE", "code", Text, Null),
    c("ENTITY_TYPE_ID", "entityTypeId", Int, Null),
    c("IS_CATEGORIES_ENABLED", "isCategoriesEnabled", Char, Null),
    c("IS_STAGES_ENABLED", "isStagesEnabled", Char, Null),
    c("CREATED_BY", "createdBy", User, Null),
];

pub const TYPE_ROWS: &str = r#"[
{"TITLE":"Договоры","CODE":"contracts","ENTITY_TYPE_ID":128,"IS_CATEGORIES_ENABLED":"Y","IS_STAGES_ENABLED":"Y","CREATED_BY":1},
{"TITLE":"Рекламации","CODE":"claims","ENTITY_TYPE_ID":130,"IS_CATEGORIES_ENABLED":"Y","IS_STAGES_ENABLED":"Y","CREATED_BY":1}
]"#;

pub const FIELD_CONFIG: &[Column] = &[
    c("ID", "id", Int, Id),
    c("ENTITY_ID", "entityId", Text, Null),
    c("FIELD_NAME", "fieldName", Text, Null),
    c("USER_TYPE_ID", "userTypeId", Text, Null),
    c("MULTIPLE", "multiple", Char, Null),
    c("MANDATORY", "mandatory", Char, Null),
];

pub const FIELD_CONFIG_ROWS: &str = r#"[
{"ENTITY_ID":"CRM_5","FIELD_NAME":"UF_CRM_5_NUMBER","USER_TYPE_ID":"string","MULTIPLE":"N","MANDATORY":"N"}
]"#;

pub const TEMPLATE: &[Column] = &[
    c("ID", "id", Int, Id),
    c("NAME", "name", Text, Null),
    c("REGION", "region", Text, Null),
    c("CODE", "code", Text, Null),
    c("ACTIVE", "active", Char, Null),
    c("SORT", "sort", Int, Null),
];

pub const TEMPLATE_ROWS: &str = r#"[
{"NAME":"Счёт","REGION":"ru","CODE":"BILL","ACTIVE":"Y","SORT":100},
{"NAME":"Акт","REGION":"ru","CODE":"ACT","ACTIVE":"Y","SORT":200},
{"NAME":"Договор поставки","REGION":"ru","CODE":"CONTRACT","ACTIVE":"Y","SORT":300}
]"#;
