//! Errors of the server: number, severity, state and text, and how far each reaches.

use std::fmt;

use super::locks::Mode;
use super::value::Type;

/// How much an error ends, where no TRY catches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The statement; the next one runs.
    Statement,
    /// The batch or procedure in which it stands: it could not be compiled. Its own TRY does not see it.
    Scope,
    /// The whole request; a transaction stays open.
    Batch,
    /// The whole request, and the transaction is rolled back; in a TRY it is doomed.
    Transaction,
    /// The connection.
    Connection,
}

/// An error on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub number: i32,
    pub severity: u8,
    pub state: u8,
    pub text: String,
    pub reach: Reach,
    /// The line, where it is known better than by the statement.
    pub line: Option<u32>,
    /// The procedure, where it is known better than by the statement.
    pub procedure: Option<String>,
    /// RAISERROR: XACT_ABORT does not count for it.
    pub raised: bool,
    /// No error at all: the statement has to wait for a table first, and to be tried again.
    pub needs: Option<Needs>,
}

/// A lock on a table without which a statement cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Number of the object.
    pub table: i32,
    pub mode: Mode,
    /// It is kept until the transaction ends.
    pub keeps: bool,
}

/// What work with values gives.
pub type Answer<T> = Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Msg {}, Level {}, State {}: {}", self.number, self.severity, self.state, self.text)
    }
}

/// Ends a statement.
pub fn failure(number: i32, severity: u8, state: u8, text: impl Into<String>) -> Failure {
    let (line, procedure) = (None, None);
    Failure {
        number,
        severity,
        state,
        text: text.into(),
        reach: Reach::Statement,
        line,
        procedure,
        raised: false,
        needs: None,
    }
}

impl Failure {
    pub fn reach(mut self, reach: Reach) -> Failure {
        self.reach = reach;
        self
    }

    pub fn line(mut self, line: u32) -> Failure {
        self.line = Some(line);
        self
    }

    pub fn in_procedure(mut self, name: &str) -> Failure {
        self.procedure = Some(name.to_owned());
        self
    }
}

/// A statement that has to wait for a table.
pub fn blocked(table: i32, mode: Mode, keeps: bool) -> Failure {
    Failure { needs: Some(Needs { table, mode, keeps }), ..lock_timeout() }
}

/// The batch cannot be compiled.
fn compile(number: i32, state: u8, text: impl Into<String>) -> Failure {
    failure(number, 15, state, text).reach(Reach::Scope)
}

/// Something has no such name, seen when the statement is compiled.
fn binding(number: i32, text: impl Into<String>) -> Failure {
    failure(number, 16, 1, text).reach(Reach::Scope)
}

/// A value does not convert: the batch ends.
fn conversion(number: i32, text: impl Into<String>) -> Failure {
    failure(number, 16, 1, text).reach(Reach::Transaction)
}

pub fn syntax(near: &str) -> Failure {
    compile(102, 1, format!("Incorrect syntax near '{near}'."))
}

pub fn syntax_keyword(word: &str) -> Failure {
    compile(156, 1, format!("Incorrect syntax near the keyword '{word}'."))
}

pub fn unclosed(text: &str) -> Failure {
    let text: String = text.chars().take(128).collect();
    compile(105, 1, format!("Unclosed quotation mark after the character string '{text}'."))
}

pub fn missing_end_comment() -> Failure {
    compile(113, 1, "Missing end comment mark '*/'.")
}

pub fn too_deep() -> Failure {
    let text =
        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.";
    compile(191, 1, text)
}

/// What the simulator has not: an honest refusal in the words of a server that has it not either.
pub fn unsupported(what: &str) -> Failure {
    let text = format!("'{what}' is not supported in this version of SQL Server (the sandbox of pult).");
    failure(40515, 15, 1, text).reach(Reach::Scope)
}

pub fn undeclared(variable: &str) -> Failure {
    compile(137, 2, format!("Must declare the scalar variable \"{variable}\"."))
}

pub fn undeclared_table(variable: &str) -> Failure {
    compile(1087, 1, format!("Must declare the table variable \"{variable}\"."))
}

pub fn declared_twice(variable: &str) -> Failure {
    let text = format!(
        "The variable name '{variable}' has already been declared. Variable names must be unique within a query batch \
         or stored procedure."
    );
    compile(134, 1, text)
}

pub fn no_object(name: &str) -> Failure {
    binding(208, format!("Invalid object name '{name}'."))
}

pub fn no_column(name: &str) -> Failure {
    binding(207, format!("Invalid column name '{name}'."))
}

pub fn unbound(name: &str) -> Failure {
    binding(4104, format!("The multi-part identifier \"{name}\" could not be bound."))
}

pub fn ambiguous(name: &str) -> Failure {
    binding(209, format!("Ambiguous column name '{name}'."))
}

pub fn not_grouped(name: &str) -> Failure {
    let text = format!(
        "Column '{name}' is invalid in the select list because it is not contained in either an aggregate function or \
         the GROUP BY clause."
    );
    binding(8120, text)
}

pub fn no_function(name: &str) -> Failure {
    compile(195, 10, format!("'{name}' is not a recognized built-in function name."))
}

pub fn arguments(name: &str, needed: usize) -> Failure {
    compile(174, 1, format!("The {name} function requires {needed} argument(s)."))
}

pub fn no_type(name: &str) -> Failure {
    binding(243, format!("Type {name} is not a defined system type."))
}

pub fn no_procedure(name: &str) -> Failure {
    failure(2812, 16, 62, format!("Could not find stored procedure '{name}'."))
}

pub fn no_database(name: &str) -> Failure {
    let text = format!("Database '{name}' does not exist. Make sure that the name is entered correctly.");
    failure(911, 16, 1, text)
}

pub fn exists_already(name: &str) -> Failure {
    failure(2714, 16, 6, format!("There is already an object named '{name}' in the database."))
}

pub fn cannot_drop(kind: &str, name: &str) -> Failure {
    let text = format!("Cannot drop the {kind} '{name}', because it does not exist or you do not have permission.");
    failure(3701, 11, 5, text)
}

pub fn missing_parameter(procedure: &str, parameter: &str) -> Failure {
    let text = format!("Procedure or function '{procedure}' expects parameter '{parameter}', which was not supplied.");
    failure(201, 16, 4, text)
}

pub fn foreign_parameter(procedure: &str, parameter: &str) -> Failure {
    failure(8145, 16, 2, format!("{parameter} is not a parameter for procedure {procedure}."))
}

pub fn too_many_parameters(procedure: &str) -> Failure {
    failure(8144, 16, 2, format!("Procedure or function {procedure} has too many arguments specified."))
}

pub fn no_parameters(procedure: &str) -> Failure {
    let text = format!("Procedure {procedure} has no parameters and arguments were supplied.");
    failure(8146, 16, 2, text)
}

pub fn positional_after_named() -> Failure {
    let text = "Must pass parameter number 2 and subsequent parameters as '@name = value'. After the form '@name = \
                value' has been used, all subsequent parameters must be passed in the form '@name = value'.";
    compile(119, 1, text)
}

pub fn too_nested() -> Failure {
    let text = "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).";
    failure(217, 16, 1, text).reach(Reach::Batch)
}

pub fn not_convertible(value: &str, from: Type, to: Type) -> Failure {
    let text =
        format!("Conversion failed when converting the {} value '{value}' to data type {}.", from.name(), to.name());
    conversion(245, text)
}

pub fn bad_moment() -> Failure {
    conversion(241, "Conversion failed when converting date and/or time from character string.")
}

pub fn moment_out_of_range(from: Type, to: Type) -> Failure {
    let text = format!(
        "The conversion of a {} data type to a {} data type resulted in an out-of-range value.",
        from.name(),
        to.name()
    );
    failure(242, 16, 3, text).reach(Reach::Transaction)
}

pub fn bad_guid() -> Failure {
    conversion(8169, "Conversion failed when converting from a character string to uniqueidentifier.")
}

pub fn no_conversion(from: Type, to: Type) -> Failure {
    let text = format!("Error converting data type {} to {}.", from.name(), to.name());
    failure(8114, 16, 5, text).reach(Reach::Transaction)
}

pub fn forbidden_conversion(from: Type, to: Type) -> Failure {
    let text = format!("Explicit conversion from data type {} to {} is not allowed.", from.name(), to.name());
    binding(529, text)
}

pub fn overflow(to: Type) -> Failure {
    let text = format!("Arithmetic overflow error converting expression to data type {}.", to.name());
    failure(8115, 16, 2, text)
}

pub fn overflow_from(from: Type, to: Type) -> Failure {
    let text = format!("Arithmetic overflow error converting {} to data type {}.", from.name(), to.name());
    failure(8115, 16, 8, text)
}

pub fn overflow_value(to: Type, value: &str) -> Failure {
    let text = format!("Arithmetic overflow error for data type {}, value = {value}.", to.name());
    failure(220, 16, 2, text)
}

pub fn text_overflow(value: &str, from: Type, to: Type) -> Failure {
    let text = format!("The conversion of the {} value '{value}' overflowed an {} column.", from.name(), to.name());
    failure(248, 16, 1, text).reach(Reach::Transaction)
}

pub fn bad_operands(left: Type, right: Type, operator: &str) -> Failure {
    let text =
        format!("The data types {} and {} are incompatible in the {operator} operator.", left.name(), right.name());
    binding(402, text)
}

pub fn bad_operand(kind: Type, operator: &str) -> Failure {
    let text = format!("Operand data type {} is invalid for {operator} operator.", kind.name());
    binding(8117, text)
}

pub fn bad_argument(kind: Type, argument: usize, function: &str) -> Failure {
    let text = format!("Argument data type {} is invalid for argument {argument} of {function} function.", kind.name());
    binding(8116, text)
}

pub fn zero_divide() -> Failure {
    failure(8134, 16, 1, "Divide by zero error encountered.")
}

pub fn many_rows() -> Failure {
    let text = "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, \
                >= or when the subquery is used as an expression.";
    failure(512, 16, 1, text)
}

pub fn truncated(table: &str, column: &str, value: &str) -> Failure {
    let value: String = value.chars().take(100).collect();
    let text = format!(
        "String or binary data would be truncated in table '{table}', column '{column}'. Truncated value: '{value}'."
    );
    failure(2628, 16, 1, text)
}

pub fn null_refused(column: &str, table: &str, statement: &str) -> Failure {
    let text = format!(
        "Cannot insert the value NULL into column '{column}', table '{table}'; column does not allow nulls. \
         {statement} fails."
    );
    failure(515, 16, 2, text)
}

pub fn duplicate_key(constraint: &str, table: &str, key: &str, primary: bool) -> Failure {
    let kind = if primary { "PRIMARY KEY" } else { "UNIQUE KEY" };
    let text = format!(
        "Violation of {kind} constraint '{constraint}'. Cannot insert duplicate key in object '{table}'. The duplicate \
         key value is ({key})."
    );
    failure(2627, 14, 1, text)
}

pub fn column_count() -> Failure {
    binding(213, "Column name or number of supplied values does not match table definition.")
}

pub fn explicit_identity(table: &str) -> Failure {
    let text = format!(
        "Cannot insert explicit value for identity column in table '{table}' when IDENTITY_INSERT is set to OFF."
    );
    failure(544, 16, 1, text)
}

pub fn lock_timeout() -> Failure {
    failure(1222, 16, 51, "Lock request time out period exceeded.")
}

pub fn deadlock(spid: u16, state: u8) -> Failure {
    let text = format!(
        "Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been chosen as \
         the deadlock victim. Rerun the transaction."
    );
    failure(1205, 13, state, text).reach(Reach::Transaction)
}

pub fn no_memory() -> Failure {
    let text = "There is insufficient system memory in resource pool 'default' to run this query.";
    failure(701, 17, 123, text).reach(Reach::Batch)
}

/// The number of transactions differs at the end of a procedure.
pub fn count_mismatch(before: u32, after: u32) -> Failure {
    let text = format!(
        "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous count \
         = {before}, current count = {after}."
    );
    failure(266, 16, 2, text)
}
