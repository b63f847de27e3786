//! Columns of people, tasks, lists, messages and calls.

use super::cell::Type::{Char, Day, Flag, Int, Json as JsonType, Moment, Money, Text, User};
use super::schema::Gen::*;
use super::schema::{Column, Kind, column as c};
use super::words as w;

pub const USER: &[Column] = &[
    c("ID", "id", Int, Id),
    c("XML_ID", "xmlId", Text, Null),
    c("ACTIVE", "active", Flag, Pick(&["Y", "Y", "Y", "Y", "Y", "Y", "Y", "N"])),
    c("NAME", "name", Text, Phrase(&[w::FIRST], false)),
    c("LAST_NAME", "lastName", Text, Phrase(&[w::LAST], false)),
    c("SECOND_NAME", "secondName", Text, Null),
    c("EMAIL", "email", Text, Numbered("user", "@example.com")),
    c("LAST_LOGIN", "lastLogin", Moment, Modified),
    c("DATE_REGISTER", "dateRegister", Moment, Created),
    c("IS_ONLINE", "isOnline", Char, Const("N")),
    c("PERSONAL_BIRTHDAY", "personalBirthday", Day, Null),
    c("PERSONAL_CITY", "personalCity", Text, Phrase(&[w::CITY], false)),
    c("WORK_POSITION", "workPosition", Text, Phrase(&[w::POST], false)),
    c("UF_DEPARTMENT", "ufDepartment", JsonType, Json("[1]")),
    c("USER_TYPE", "userType", Text, Const("employee")),
];

pub const DEPARTMENT: &[Column] = &[
    c("ID", "id", Int, Id),
    c("NAME", "name", Text, Phrase(&[w::SECTION], true)),
    c("SORT", "sort", Int, Const("500")),
    c("PARENT", "parent", Int, Const("1")),
    c("UF_HEAD", "ufHead", User, Ref(Kind::User)),
];

/// Place of `RESPONSIBLE_ID` and `CREATED_BY` below, whose cards stand beside them.
const RESPONSIBLE: usize = 5;
const CREATOR: usize = 6;

pub const TASK: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TITLE", "title", Text, Phrase(&[w::TASK], true)),
    c("DESCRIPTION", "description", Text, Sometimes(40, &Phrase(&[w::COMMENT], false))),
    c("STATUS", "status", Int, Pick(&["2", "3", "4", "5", "5"])),
    c("PRIORITY", "priority", Int, Pick(&["1", "1", "2"])),
    c("RESPONSIBLE_ID", "responsibleId", User, Ref(Kind::User)),
    c("CREATED_BY", "createdBy", User, Ref(Kind::User)),
    c("CREATED_DATE", "createdDate", Moment, Created),
    c("CHANGED_DATE", "changedDate", Moment, Modified),
    c("DEADLINE", "deadline", Moment, Sometimes(60, &Later(7))),
    c("CLOSED_DATE", "closedDate", Moment, Sometimes(40, &Later(9))),
    c("GROUP_ID", "groupId", Int, Sometimes(30, &Ref(Kind::Workgroup))),
    c("STAGE_ID", "stageId", Int, Const("0")),
    c("PARENT_ID", "parentId", Int, Null),
    c("MARK", "mark", Text, Null),
    c("TIME_ESTIMATE", "timeEstimate", Int, Range(0, 36_000)),
    c("COMMENTS_COUNT", "commentsCount", Int, Range(0, 5)),
    c("ALLOW_CHANGE_DEADLINE", "allowChangeDeadline", Char, Const("Y")),
    c("UF_CRM_TASK", "ufCrmTask", JsonType, Null),
    c("GROUP", "group", JsonType, Json("[]")),
    c("CREATOR", "creator", JsonType, Person(CREATOR)),
    c("RESPONSIBLE", "responsible", JsonType, Person(RESPONSIBLE)),
];

pub const ELAPSED: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TASK_ID", "taskId", Int, Ref(Kind::Task)),
    c("USER_ID", "userId", User, Ref(Kind::User)),
    c("COMMENT_TEXT", "commentText", Text, Phrase(&[w::COMMENT], false)),
    c("SECONDS", "seconds", Int, Range(60, 14_400)),
    c("MINUTES", "minutes", Int, Range(1, 240)),
    c("SOURCE", "source", Int, Const("2")),
    c("CREATED_DATE", "createdDate", Moment, Created),
    c("DATE_START", "dateStart", Moment, Created),
    c("DATE_STOP", "dateStop", Moment, Modified),
];

pub const COMMENT: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TASK_ID", "taskId", Int, Ref(Kind::Task)),
    c("POST_MESSAGE", "postMessage", Text, Phrase(&[w::COMMENT], false)),
    c("AUTHOR_ID", "authorId", User, Ref(Kind::User)),
    c("AUTHOR_NAME", "authorName", Text, Phrase(&[w::FIRST, w::LAST], false)),
    c("POST_DATE", "postDate", Moment, Created),
];

pub const CHECKLIST: &[Column] = &[
    c("ID", "id", Int, Id),
    c("TASK_ID", "taskId", Int, Ref(Kind::Task)),
    c("PARENT_ID", "parentId", Int, Const("0")),
    c("CREATED_BY", "createdBy", User, Ref(Kind::User)),
    c("TITLE", "title", Text, Phrase(&[w::TASK], false)),
    c("SORT_INDEX", "sortIndex", Int, Range(0, 9)),
    c("IS_COMPLETE", "isComplete", Char, Pick(&["Y", "N"])),
    c("IS_IMPORTANT", "isImportant", Char, Const("N")),
];

pub const ELEMENT: &[Column] = &[
    c("ID", "id", Int, Id),
    c("IBLOCK_ID", "iblockId", Int, Pick(&["30", "31"])),
    c("NAME", "name", Text, Phrase(&[w::GOODS], true)),
    c("CODE", "code", Text, Null),
    c("ACTIVE", "active", Char, Const("Y")),
    c("SORT", "sort", Int, Const("500")),
    c("IBLOCK_SECTION_ID", "iblockSectionId", Int, Null),
    c("CREATED_BY", "createdBy", User, Ref(Kind::User)),
    c("DATE_CREATE", "dateCreate", Moment, Created),
    c("TIMESTAMP_X", "timestampX", Moment, Modified),
    c("PROPERTY_100", "property100", JsonType, Null),
    c("PROPERTY_101", "property101", JsonType, Null),
];

pub const WORKGROUP: &[Column] = &[
    c("ID", "id", Int, Id),
    c("NAME", "name", Text, Phrase(&[w::WORKPLACE], true)),
    c("DESCRIPTION", "description", Text, Null),
    c("ACTIVE", "active", Char, Const("Y")),
    c("VISIBLE", "visible", Char, Const("Y")),
    c("OPENED", "opened", Char, Pick(&["Y", "N"])),
    c("CLOSED", "closed", Char, Const("N")),
    c("OWNER_ID", "ownerId", User, Ref(Kind::User)),
    c("PROJECT", "project", Char, Pick(&["Y", "N"])),
    c("NUMBER_OF_MEMBERS", "numberOfMembers", Int, Range(2, 40)),
    c("DATE_CREATE", "dateCreate", Moment, Created),
    c("DATE_UPDATE", "dateUpdate", Moment, Modified),
];

pub const NOTIFICATION: &[Column] = &[
    c("ID", "id", Int, Id),
    c("CHAT_ID", "chat_id", Int, Const("17")),
    c("AUTHOR_ID", "author_id", User, Ref(Kind::User)),
    c("DATE", "date", Moment, Created),
    c("NOTIFY_TYPE", "notify_type", Int, Const("3")),
    c("NOTIFY_MODULE", "notify_module", Text, Const("tasks")),
    c("TEXT", "text", Text, Phrase(&[w::TASK], true)),
    c("NOTIFY_READ", "notify_read", Char, Pick(&["Y", "N"])),
];

pub const CHAT: &[Column] = &[
    c("ID", "id", Int, Id),
    c("CHAT_ID", "chat_id", Int, Range(1, 900)),
    c("TYPE", "type", Text, Const("chat")),
    c("TITLE", "title", Text, Phrase(&[w::WORKPLACE], true)),
    c("COUNTER", "counter", Int, Range(0, 3)),
    c("DATE_UPDATE", "date_update", Moment, Modified),
];

pub const CALL: &[Column] = &[
    c("ID", "id", Int, Id),
    c("CALL_ID", "callId", Text, Numbered("call.", ".sandbox")),
    c("PORTAL_USER_ID", "portalUserId", User, Ref(Kind::User)),
    c("PHONE_NUMBER", "phoneNumber", Text, Range(79_000_000_000, 79_999_999_999)),
    c("CALL_TYPE", "callType", Int, Pick(&["1", "2"])),
    c("CALL_CATEGORY", "callCategory", Text, Const("external")),
    c("CALL_DURATION", "callDuration", Int, Range(0, 900)),
    c("CALL_START_DATE", "callStartDate", Moment, Created),
    c("CALL_FAILED_CODE", "callFailedCode", Int, Pick(&["200", "200", "304"])),
    c("COST", "cost", Money, Range(0, 3000)),
    c("COST_CURRENCY", "costCurrency", Text, Const("RUR")),
    c("CRM_ENTITY_TYPE", "crmEntityType", Text, Const("CONTACT")),
    c("CRM_ENTITY_ID", "crmEntityId", Int, Ref(Kind::Contact)),
];

pub const FILE: &[Column] = &[
    c("ID", "id", Int, Id),
    c("NAME", "name", Text, Phrase(&[&["Договор", "Счёт", "Акт"]], true)),
    c("CODE", "code", Text, Null),
    c("STORAGE_ID", "storageId", Int, Const("1")),
    c("TYPE", "type", Text, Const("file")),
    c("PARENT_ID", "parentId", Int, Const("5")),
    c("SIZE", "size", Int, Range(1000, 9_000_000)),
    c("CREATE_TIME", "createTime", Moment, Created),
    c("UPDATE_TIME", "updateTime", Moment, Modified),
    c("CREATED_BY", "createdBy", User, Ref(Kind::User)),
];
