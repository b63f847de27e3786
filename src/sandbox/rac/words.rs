//! The words the seeded world is made of.

/// Names and descriptions of infobases.
pub const INFOBASES: &[(&str, &str)] = &[
    ("Бухгалтерия", "Бухгалтерия предприятия 3.0"),
    ("ЗУП", "Зарплата и \"кадры\""),
    ("УТ", "Управление торговлей: склад и продажи"),
    ("accounting_demo", ""),
    ("erp_main", "ERP, основная база"),
    ("Документооборот", "Документооборот КОРП"),
    ("retail_01", "Розница, магазин на Садовой"),
    ("Архив_2024", "Только для чтения"),
];

/// Applications, each as often as it is met.
pub const APPLICATIONS: &[&str] = &[
    "1CV8C",
    "1CV8C",
    "1CV8C",
    "1CV8C",
    "1CV8C",
    "1CV8",
    "1CV8",
    "1CV8",
    "WebClient",
    "WebClient",
    "BackgroundJob",
    "BackgroundJob",
    "COMConnection",
    "WSConnection",
    "HTTPServiceConnection",
    "Designer",
];

pub const USERS: &[&str] = &[
    "Иванова А. П.",
    "Петренко О. В.",
    "Коваленко Д. С.",
    "Черных М. И.",
    "Седых Н. А.",
    "Шевченко Т. Г.",
    "Администратор",
    "Гринько Е. Ю.",
    "Кладовщик",
    "Бухгалтер",
    "operator1",
    "director",
];

/// Services of a manager, and whether only the main one has them.
pub const SERVICES: &[(&str, &str, bool)] = &[
    ("LicenseService", "Сервис лицензирования", false),
    ("EventLogService", "Сервис журналов регистрации", false),
    ("TimestampService", "Сервис меток времени", false),
    ("SessionReuseService", "Сервис повторного использования сеансов", false),
    ("SessionDataService", "Сервис сеансовых данных", false),
    ("ExternalSessionManagerService", "Сервис внешнего управления сеансами", false),
    ("FulltextSearchService", "Сервис полнотекстового поиска", false),
    ("TransactionLockService", "Сервис транзакционных блокировок", false),
    ("DebugService", "Сервис отладки", false),
    ("ClusterConfigService", "Сервис конфигурации кластера", true),
    ("ClientTestingService", "Сервис тестирования клиентов", false),
    ("ClusterLockService", "Сервис блокировок кластера", true),
    ("JobService", "Сервис заданий", false),
    ("ExternalDataSourceXMLAService", "Сервис внешних источников данных XMLA", false),
    ("ExternalDataSourceODBCService", "Сервис внешних источников данных ODBC", false),
    ("SettingsService", "Сервис пользовательских настроек", false),
    ("NumerationService", "Сервис нумерации", false),
    ("DataEditLockService", "Сервис блокировок объектов", false),
    ("AuxiliaryService", "Сервис вспомогательных функций кластера", true),
    ("DataBaseConfigurationUpdateService", "Сервис обновления конфигурации базы данных", false),
    ("OpenID2ProviderContextService", "Сервис провайдера OpenID2", false),
    ("CounterService", "Сервис счетчиков ресурсов", false),
    ("DbCopiesService", "Сервис копий базы данных", false),
    ("IntegrationDataService", "Сервис данных интеграции", false),
    ("BinaryDataStorageService", "Сервис хранилищ двоичных данных", false),
    ("SpeechToTextService", "Сервис распознавания речи", false),
    ("DataAcceleratorService", "Сервис дата акселератора", false),
    ("ClientNotificationService", "Сервис уведомления клиентов", false),
    ("WebSocketService", "Сервис WebSocket", false),
];
