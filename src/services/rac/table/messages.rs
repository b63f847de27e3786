//! The requests of the protocol, by number.

use super::Reply::{Bool, Many, One, Text, Uuid, Void};
use super::records::*;
use super::rules::*;
use super::{Message, Record, Reply, Slot, Wire, slot};

const CLUSTER_ID: Slot = slot("cluster", Wire::Uuid);
const SERVER_ID: Slot = slot("server", Wire::Uuid);
const INFOBASE_ID: Slot = slot("infobase", Wire::Uuid);
const PROCESS_ID: Slot = slot("process", Wire::Uuid);
const CONNECTION_ID: Slot = slot("connection", Wire::Uuid);
const SESSION_ID: Slot = slot("session", Wire::Uuid);
const RULE_ID: Slot = slot("rule", Wire::Uuid);
const SETTING_ID: Slot = slot("setting", Wire::Uuid);
const NAME: Slot = slot("name", Wire::Text);
const PROFILE_NAME: Slot = slot("profile", Wire::Text);
const COUNTER_NAME: Slot = slot("counter", Wire::Text);
const LIMIT_NAME: Slot = slot("limit", Wire::Text);
const OBJECT: Slot = slot("object", Wire::Text);
const ERROR_MESSAGE: Slot = slot("error-message", Wire::Text);

const fn record(record: &'static Record) -> Slot {
    slot("record", Wire::One(record))
}

const fn to(id: u8, name: &'static str, body: &'static [Slot], reply: Reply) -> Message {
    Message { id, answer: id + 1, name, body, reply }
}

impl Message {
    const fn answered_with(self, answer: u8) -> Message {
        Message { answer, ..self }
    }
}

/// Authentication of an endpoint.
pub const AUTHENTICATE_AGENT: u8 = 8;
pub const AUTHENTICATE_CLUSTER: u8 = 9;
pub const AUTHENTICATE_INFOBASE: u8 = 10;
pub const CLUSTERS: u8 = 11;
pub const SERVERS: u8 = 22;
pub const SUMMARIES: u8 = 42;
pub const PROFILES: u8 = 89;
pub const CHANGE_PROFILE: u8 = 91;
pub const AGENT_VERSION: u8 = 135;
pub const STORAGES: u8 = 153;
pub const OPERATE_STORAGE: u8 = 161;
pub const STORAGE_DONE: u8 = 163;

pub static MESSAGES: &[Message] = &[
    to(0, "agent admins", &[], Many(&USER)),
    to(2, "cluster admins", &[CLUSTER_ID], Many(&USER)),
    to(4, "register agent admin", &[record(&USER)], Void),
    to(5, "register cluster admin", &[CLUSTER_ID, record(&USER)], Void),
    to(6, "remove agent admin", &[NAME], Void),
    to(7, "remove cluster admin", &[CLUSTER_ID, NAME], Void),
    to(AUTHENTICATE_AGENT, "authenticate agent", AGENT_CREDENTIALS, Void),
    to(AUTHENTICATE_CLUSTER, "authenticate cluster", CREDENTIALS, Void),
    to(AUTHENTICATE_INFOBASE, "authenticate infobase", CREDENTIALS, Void),
    to(CLUSTERS, "clusters", &[], Many(&CLUSTER)),
    to(13, "cluster info", &[CLUSTER_ID], One(&CLUSTER)),
    to(15, "register or change cluster", &[record(&CLUSTER)], Uuid),
    to(17, "remove cluster", &[CLUSTER_ID], Void),
    to(18, "managers", &[CLUSTER_ID], Many(&MANAGER)),
    to(20, "manager info", &[CLUSTER_ID, slot("manager", Wire::Uuid)], One(&MANAGER)),
    to(SERVERS, "working servers", &[CLUSTER_ID], Many(&SERVER)),
    to(24, "server info", &[CLUSTER_ID, SERVER_ID], One(&SERVER)),
    to(
        26,
        "register or change server",
        &[CLUSTER_ID, record(&SERVER), slot("add-prohibiting-assignment-rule", Wire::Bool).since(14)],
        Uuid,
    ),
    to(28, "remove server", &[CLUSTER_ID, SERVER_ID], Void),
    to(29, "working processes", &[CLUSTER_ID], Many(&PROCESS)),
    to(31, "process info", &[CLUSTER_ID, PROCESS_ID], One(&PROCESS)),
    to(33, "processes of a server", &[CLUSTER_ID, SERVER_ID], Many(&PROCESS)),
    to(35, "services", &[CLUSTER_ID], Many(&SERVICE)),
    to(37, "create infobase", &[CLUSTER_ID, record(&INFOBASE), MODE], Uuid),
    // The utility sends the name empty.
    to(39, "change summary", &[CLUSTER_ID, INFOBASE_ID, slot("descr", Wire::Text), slot("", Wire::Text)], Void),
    to(40, "change infobase", &[CLUSTER_ID, record(&INFOBASE)], Void),
    to(41, "drop infobase", &[CLUSTER_ID, INFOBASE_ID, MODE], Void),
    to(SUMMARIES, "infobase summaries", &[CLUSTER_ID], Many(&SUMMARY)),
    to(44, "infobases in full", &[CLUSTER_ID], Many(&INFOBASE)),
    to(46, "summary of one", &[CLUSTER_ID, INFOBASE_ID], One(&SUMMARY)),
    to(48, "infobase info", &[CLUSTER_ID, INFOBASE_ID], One(&INFOBASE)),
    to(50, "connections", &[CLUSTER_ID], Many(&CONNECTION)),
    to(52, "connections of an infobase", &[CLUSTER_ID, INFOBASE_ID], Many(&CONNECTION)),
    to(54, "connection info", &[CLUSTER_ID, CONNECTION_ID], One(&CONNECTION)),
    to(56, "connections with their counters", &[CLUSTER_ID, PROCESS_ID, INFOBASE_ID], Many(&CONNECTION_LONG)),
    to(64, "disconnect", &[CLUSTER_ID, PROCESS_ID, CONNECTION_ID], Void),
    to(65, "sessions", &[CLUSTER_ID], Many(&SESSION)),
    to(67, "sessions of an infobase", &[CLUSTER_ID, INFOBASE_ID], Many(&SESSION)),
    to(69, "session info", &[CLUSTER_ID, SESSION_ID], One(&SESSION)),
    to(71, "terminate session", &[CLUSTER_ID, SESSION_ID, ERROR_MESSAGE], Void),
    to(72, "locks", &[CLUSTER_ID], Many(&LOCK)),
    to(74, "locks of an infobase", &[CLUSTER_ID, INFOBASE_ID], Many(&LOCK)),
    to(76, "locks of a connection", &[CLUSTER_ID, CONNECTION_ID], Many(&LOCK)),
    to(78, "locks of a session", &[CLUSTER_ID, INFOBASE_ID, SESSION_ID], Many(&LOCK)),
    to(81, "apply rules", &[CLUSTER_ID, MODE], Void),
    to(82, "insert or change rule", &[CLUSTER_ID, SERVER_ID, record(&RULE), slot("position", Wire::Int)], Uuid),
    to(84, "remove rule", &[CLUSTER_ID, SERVER_ID, RULE_ID], Void),
    to(85, "rules", &[CLUSTER_ID, SERVER_ID], Many(&RULE)),
    to(87, "rule info", &[CLUSTER_ID, SERVER_ID, RULE_ID], One(&RULE)),
    to(PROFILES, "profiles", &[CLUSTER_ID], Many(&PROFILE)),
    to(CHANGE_PROFILE, "create or change profile", &[CLUSTER_ID, record(&PROFILE)], Void),
    to(92, "remove profile", &[CLUSTER_ID, NAME], Void),
    to(93, "virtual directories", LIST_OF, Many(&DIRECTORY)),
    to(95, "create virtual directory", &[CLUSTER_ID, record(&DIRECTORY)], Void),
    to(96, "remove virtual directory", &[CLUSTER_ID, PROFILE_NAME, slot("alias", Wire::Text)], Void),
    to(97, "COM classes", LIST_OF, Many(&COM_CLASS)),
    to(99, "create COM class", &[CLUSTER_ID, record(&COM_CLASS)], Void),
    to(100, "remove COM class", NAMED_OF, Void),
    to(101, "add-ins", LIST_OF, Many(&ADDIN)),
    to(103, "create add-in", &[CLUSTER_ID, record(&ADDIN)], Void),
    to(104, "remove add-in", NAMED_OF, Void),
    to(105, "external modules", LIST_OF, Many(&MODULE)),
    to(107, "create external module", &[CLUSTER_ID, record(&MODULE)], Void),
    to(108, "remove external module", NAMED_OF, Void),
    to(109, "applications", LIST_OF, Many(&APPLICATION)),
    to(111, "create application", &[CLUSTER_ID, record(&APPLICATION)], Void),
    to(112, "remove application", NAMED_OF, Void),
    to(113, "internet resources", LIST_OF, Many(&RESOURCE)),
    to(115, "create internet resource", &[CLUSTER_ID, record(&RESOURCE)], Void),
    to(116, "remove internet resource", NAMED_OF, Void),
    to(117, "interrupt current call", &[CLUSTER_ID, SESSION_ID, ERROR_MESSAGE], Void),
    to(118, "counters", &[CLUSTER_ID], Many(&COUNTER)),
    to(120, "counter info", &[CLUSTER_ID, COUNTER_NAME], One(&COUNTER)),
    to(122, "create or change counter", &[CLUSTER_ID, record(&COUNTER)], Void),
    to(123, "remove counter", &[CLUSTER_ID, NAME], Void),
    to(124, "limits", &[CLUSTER_ID], Many(&LIMIT)),
    to(126, "limit info", &[CLUSTER_ID, LIMIT_NAME], One(&LIMIT)),
    to(128, "create or change limit", &[CLUSTER_ID, record(&LIMIT)], Void),
    to(129, "remove limit", &[CLUSTER_ID, NAME], Void),
    to(130, "counter values", &[CLUSTER_ID, COUNTER_NAME, OBJECT], Many(&COUNTER_VALUE)),
    to(132, "clear counter", &[CLUSTER_ID, COUNTER_NAME, OBJECT], Void),
    to(133, "accumulated values", &[CLUSTER_ID, COUNTER_NAME, OBJECT], Many(&COUNTER_VALUE)),
    to(AGENT_VERSION, "agent version", &[], Text),
    to(137, "service setting info", &[CLUSTER_ID, SERVER_ID, SETTING_ID], One(&SETTING)),
    to(139, "service settings", &[CLUSTER_ID, SERVER_ID], Many(&SETTING)),
    to(141, "insert or change setting", &[CLUSTER_ID, SERVER_ID, record(&SETTING)], Uuid),
    to(143, "remove setting", &[CLUSTER_ID, SERVER_ID, SETTING_ID], Void),
    to(144, "apply settings", &[CLUSTER_ID, SERVER_ID], Void),
    to(145, "directories for transfer", &[CLUSTER_ID, SERVER_ID, slot("service-name", Wire::Text)], Many(&TRANSFER)),
    // The utility does not ask this.
    to(
        147,
        "setting of a service and an infobase",
        &[CLUSTER_ID, SERVER_ID, slot("service-name", Wire::Text), slot("infobase-name", Wire::Text)],
        One(&SETTING),
    ),
    to(STORAGES, "storages", &[CLUSTER_ID, INFOBASE_ID], Many(&STORAGE)).answered_with(160),
    to(
        OPERATE_STORAGE,
        "work on a storage",
        &[
            CLUSTER_ID,
            INFOBASE_ID,
            slot("storage", Wire::Uuid),
            slot("reserved", Wire::Int),
            slot("kind", Wire::Byte),
            slot("argument", Wire::Text),
        ],
        Uuid,
    ),
    to(STORAGE_DONE, "is the work done", &[CLUSTER_ID, INFOBASE_ID, OPERATION_ID], Bool),
    to(165, "turn a process off", &[CLUSTER_ID, PROCESS_ID], Void),
];

const OPERATION_ID: Slot = slot("operation", Wire::Uuid);
const AGENT_CREDENTIALS: &[Slot] = &[slot("user", Wire::Text), slot("pwd", Wire::Text)];
const CREDENTIALS: &[Slot] = &[CLUSTER_ID, slot("user", Wire::Text), slot("pwd", Wire::Text)];
const MODE: Slot = slot("mode", Wire::Int);
const LIST_OF: &[Slot] = &[CLUSTER_ID, PROFILE_NAME];
const NAMED_OF: &[Slot] = &[CLUSTER_ID, PROFILE_NAME, NAME];

/// The request of this number.
pub fn message(id: u8) -> Option<&'static Message> {
    MESSAGES.binary_search_by_key(&id, |message| message.id).ok().map(|at| &MESSAGES[at])
}

/// The request that is answered with this number.
pub fn answered_by(answer: u8) -> Option<&'static Message> {
    MESSAGES.iter().find(|message| message.answer == answer && !matches!(message.reply, Void))
}
