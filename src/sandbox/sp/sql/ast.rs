//! A batch after reading: a flat list of instructions, and the expressions and queries in them.
//!
//! Control flow is jumps, so that running needs no recursion: neither a deep batch nor an attention in the middle of one
//! leaves anything on a stack.

use std::sync::Arc;

use super::value::{Type, Value};

/// A batch or the body of a procedure.
#[derive(Debug, Default)]
pub struct Program {
    pub code: Vec<Instruction>,
}

#[derive(Debug)]
pub struct Instruction {
    /// Line of the statement, from 1.
    pub line: u32,
    pub step: Step,
}

/// Where a jump goes, and how many TRY and CATCH it is inside of there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub at: usize,
    pub tries: usize,
    pub catches: usize,
}

#[derive(Debug)]
pub enum Step {
    Jump(Place),
    /// Jumps where the condition is not true.
    Unless {
        condition: Expr,
        to: Place,
    },
    /// From here on errors lead there.
    Try {
        catch: usize,
    },
    EndTry,
    EndCatch,
    Return(Option<Expr>),
    Print(Expr),
    RaiseError(RaiseError),
    /// Number, text, state; nothing repeats the error that was caught.
    Throw(Option<[Expr; 3]>),
    Declare(Declaration),
    DeclareTable {
        name: String,
        table: TableDefinition,
    },
    /// `SET @x = …`; the sign of `+=` and the like.
    Assign {
        variable: String,
        operator: Option<Operator>,
        value: Expr,
    },
    Select(Query),
    Insert(Arc<Insert>),
    Update(Update),
    Delete(Delete),
    Truncate(Name),
    CreateTable {
        name: Name,
        table: TableDefinition,
    },
    CreateProcedure(ProcedureDefinition),
    CreateSchema(String),
    /// An index that changes no answer.
    CreateIndex(Name),
    Drop {
        kind: Droppable,
        names: Vec<Name>,
        if_exists: bool,
    },
    Execute(Execute),
    Use(String),
    Set(Vec<String>, Setting),
    Begin(Option<Expr>),
    Commit,
    Rollback(Option<Expr>),
    Save(Expr),
    /// A delay, or a time of the day.
    Wait {
        time: Expr,
        is_delay: bool,
    },
    Kill(Expr),
    /// `;` alone.
    Nothing,
}

/// What a SET gives its options.
#[derive(Debug)]
pub enum Setting {
    Switch(bool),
    Value(Expr),
    IdentityInsert(Name, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Droppable {
    Table,
    Procedure,
    Schema,
}

#[derive(Debug)]
pub struct Declaration {
    pub name: String,
    pub kind: Type,
    pub value: Option<Expr>,
}

#[derive(Debug)]
pub struct RaiseError {
    pub message: Expr,
    pub severity: Expr,
    pub state: Expr,
    pub arguments: Vec<Expr>,
    pub set_error: bool,
}

/// `database.schema.name`; empty parts are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub name: String,
}

impl Name {
    pub fn plain(name: &str) -> Name {
        Name { database: None, schema: None, name: name.to_owned() }
    }

    /// As it was written.
    pub fn written(&self) -> String {
        match (&self.database, &self.schema) {
            (Some(database), schema) => {
                format!("{database}.{}.{}", schema.as_deref().unwrap_or_default(), self.name)
            }
            (None, Some(schema)) => format!("{schema}.{}", self.name),
            (None, None) => self.name.clone(),
        }
    }
}

#[derive(Debug)]
pub struct TableDefinition {
    pub columns: Vec<ColumnDefinition>,
    /// PRIMARY KEY and UNIQUE of the whole table.
    pub keys: Vec<KeyDefinition>,
    pub checks: Vec<(Option<String>, Arc<Expr>)>,
}

#[derive(Debug)]
pub struct ColumnDefinition {
    pub name: String,
    pub kind: Type,
    pub nullable: Option<bool>,
    /// Seed and increment.
    pub identity: Option<(i64, i64)>,
    pub default: Option<Arc<Expr>>,
}

#[derive(Debug)]
pub struct KeyDefinition {
    pub name: Option<String>,
    pub primary: bool,
    pub columns: Vec<String>,
}

#[derive(Debug)]
pub struct ProcedureDefinition {
    pub name: Name,
    pub procedure: Arc<Procedure>,
    pub may_replace: bool,
    /// ALTER: it has to exist.
    pub must_exist: bool,
}

/// A procedure that somebody wrote in T-SQL.
#[derive(Debug)]
pub struct Procedure {
    pub parameters: Vec<Formal>,
    pub body: Arc<Program>,
    /// The text of CREATE PROCEDURE.
    pub text: String,
}

/// A parameter of a procedure.
#[derive(Debug)]
pub struct Formal {
    /// With `@`.
    pub name: String,
    pub kind: Type,
    pub default: Option<Expr>,
    pub output: bool,
}

#[derive(Debug)]
pub struct Execute {
    /// `EXEC @rc = …`.
    pub result: Option<String>,
    pub target: Target,
    pub arguments: Vec<Argument>,
}

#[derive(Debug)]
pub enum Target {
    Procedure(Name),
    /// The name stands in a variable.
    Variable(String),
    /// EXEC('…').
    Text(Expr),
}

#[derive(Debug)]
pub struct Argument {
    pub name: Option<String>,
    /// `None` is DEFAULT.
    pub value: Option<Expr>,
    pub output: bool,
}

#[derive(Debug)]
pub struct Insert {
    pub into: Name,
    pub columns: Vec<String>,
    pub output: Vec<Item>,
    pub rows: Rows,
}

#[derive(Debug)]
pub enum Rows {
    /// `None` is DEFAULT.
    Values(Vec<Vec<Option<Expr>>>),
    Query(Query),
    Execute(Execute),
    /// DEFAULT VALUES.
    Defaults,
}

#[derive(Debug)]
pub struct Update {
    /// A table, or an alias of FROM.
    pub table: Name,
    pub top: Option<Expr>,
    pub set: Vec<Change>,
    pub output: Vec<Item>,
    pub from: Vec<Source>,
    pub filter: Option<Expr>,
}

/// `column = value`, `@variable = value`; the sign of `+=` and the like.
#[derive(Debug)]
pub struct Change {
    pub column: String,
    pub operator: Option<Operator>,
    /// `None` is DEFAULT.
    pub value: Option<Expr>,
}

#[derive(Debug)]
pub struct Delete {
    pub table: Name,
    pub top: Option<Expr>,
    pub output: Vec<Item>,
    pub from: Vec<Source>,
    pub filter: Option<Expr>,
}

#[derive(Debug)]
pub struct Query {
    /// WITH name (columns) AS (query).
    pub with: Vec<(String, Vec<String>, Arc<Query>)>,
    pub first: Body,
    pub more: Vec<(Combine, Body)>,
    pub order: Vec<Order>,
    pub offset: Option<Expr>,
    pub fetch: Option<Expr>,
}

#[derive(Debug)]
pub enum Body {
    Select(Box<Select>),
    Query(Box<Query>),
    /// VALUES of a derived table.
    Values(Vec<Vec<Expr>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    Union,
    UnionAll,
    Except,
    Intersect,
}

#[derive(Debug)]
pub struct Order {
    pub by: Expr,
    pub descending: bool,
}

#[derive(Debug)]
pub struct Select {
    pub distinct: bool,
    pub top: Option<Top>,
    pub items: Vec<Item>,
    pub into: Option<Name>,
    pub from: Vec<Source>,
    pub filter: Option<Expr>,
    pub group: Vec<Expr>,
    pub having: Option<Expr>,
}

#[derive(Debug)]
pub struct Top {
    pub count: Expr,
    pub percent: bool,
    pub with_ties: bool,
}

#[derive(Debug)]
pub enum Item {
    /// `*` or `t.*`.
    Star(Option<String>),
    Value {
        value: Expr,
        alias: Option<String>,
    },
    /// `@x = …`.
    Assign {
        variable: String,
        operator: Option<Operator>,
        value: Expr,
    },
}

#[derive(Debug)]
pub struct Source {
    pub first: Relation,
    pub joins: Vec<Join>,
}

#[derive(Debug)]
pub struct Join {
    pub kind: JoinKind,
    pub with: Relation,
    pub on: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

#[derive(Debug)]
pub struct Relation {
    pub what: What,
    pub alias: Option<String>,
    /// Names given to the columns of a derived table.
    pub columns: Vec<String>,
    /// WITH (…), in capitals.
    pub hints: Vec<String>,
}

#[derive(Debug)]
pub enum What {
    Table(Name),
    Variable(String),
    Derived(Box<Query>),
    /// A function that gives a table.
    Function(Name, Vec<Expr>),
    /// `(a JOIN b ON …)`.
    Joined(Box<Source>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
    Xor,
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Plus,
    Minus,
    Not,
}

/// An expression or a condition. Operators of one rank are a list, so that a long sum is not a deep tree.
#[derive(Debug)]
pub enum Expr {
    Literal(Value),
    /// With `@`.
    Variable(String),
    /// Without `@@`.
    Global(String),
    Column(Vec<String>),
    Signed(Sign, Box<Expr>),
    /// From left to right.
    Chain(Box<Expr>, Vec<(Operator, Expr)>),
    Compare(Operator, Box<Expr>, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        value: Box<Expr>,
        not: bool,
    },
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        not: bool,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        not: bool,
    },
    InQuery {
        value: Box<Expr>,
        query: Box<Query>,
        not: bool,
    },
    Like {
        value: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        not: bool,
    },
    Exists(Box<Query>),
    Subquery(Box<Query>),
    Case {
        operand: Option<Box<Expr>>,
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// `attempt`: NULL where it does not convert.
    Cast {
        value: Box<Expr>,
        kind: Type,
        style: Option<Box<Expr>>,
        attempt: bool,
    },
    Call(Box<Call>),
}

/// A call of a function.
#[derive(Debug)]
pub struct Call {
    /// In capitals.
    pub name: String,
    pub arguments: Vec<Expr>,
    pub distinct: bool,
    /// `COUNT(*)`.
    pub star: bool,
    /// `OVER (PARTITION BY … ORDER BY …)`.
    pub over: Option<(Vec<Expr>, Vec<Order>)>,
}
