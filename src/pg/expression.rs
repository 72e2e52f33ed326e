//! Expressions of policies: said once, shown as text by the room that means them, and here made into the
//! nodes that the server's parser would make of that text. No text is ever parsed, and functions and
//! operators are those of pg_catalog, whatever a search path says.

use super::node::node;
use super::text::palloc;
use super::Oid;
use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

/// An expression about a row and about who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `true`
    True,
    /// `CURRENT_USER::text`
    CurrentUser,
    /// `SESSION_USER::text`
    SessionUser,
    /// A column of the row.
    Column(String),
    /// A constant array.
    Array(Elements),
    /// `a = b`
    Equal(Box<Expr>, Box<Expr>),
    /// `a = ANY (array)`
    IsIn(Box<Expr>, Box<Expr>),
    /// `a OR b`
    Or(Vec<Expr>),
    /// `NOT a`
    Not(Box<Expr>),
    /// `CASE WHEN a THEN b ELSE c END`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `(SELECT a AS answer)`: worked out once a statement, and not once a row.
    Once(Box<Expr>),
    /// `array[array_position(array, a)]`: what stands in the first where `a` stands in the second.
    Lookup(Elements, Elements, Box<Expr>),
}

/// A constant array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements {
    /// The type of an element.
    pub kind: TypeName,
    /// The elements, as text.
    pub items: Vec<String>,
}

/// A type: its OID, and its name for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// The type.
    pub oid: Oid,
    /// Its name as SQL writes it.
    pub name: String,
}

/// # Safety
/// The elements must be nodes; allocates in the current memory context.
pub(super) unsafe fn list(elements: &[*mut pg_sys::Node]) -> *mut pg_sys::List {
    elements.iter().fold(std::ptr::null_mut(), |list, element| {
        // SAFETY: appends a pointer to a list that is null or was made here.
        unsafe { pg_sys::lappend(list, element.cast()) }
    })
}

/// The name of a function or an operator of the server.
///
/// # Safety
/// Allocates in the current memory context.
unsafe fn of_the_server(name: &str) -> *mut pg_sys::List {
    // SAFETY: fresh nodes.
    unsafe {
        list(&[
            pg_sys::makeString(palloc("pg_catalog")).cast(),
            pg_sys::makeString(palloc(name)).cast(),
        ])
    }
}

/// An expression as the parser leaves it, before names are resolved (gram.y, a_expr).
///
/// # Safety
/// Allocates in the current memory context.
pub(super) unsafe fn tree(expr: &Expr) -> *mut pg_sys::Node {
    use pg_sys::{A_Expr_Kind, BoolExprType, SQLValueFunctionOp};
    // SAFETY: fresh nodes, each with the members that gram.y sets; what is left is zero, as makeNode has it.
    unsafe {
        match expr {
            Expr::True => {
                let constant = node::<pg_sys::A_Const>(NodeTag::T_A_Const);
                (*constant).val.boolval = pg_sys::Boolean {
                    type_: NodeTag::T_Boolean,
                    boolval: true,
                };
                constant.cast()
            }
            Expr::CurrentUser => user(SQLValueFunctionOp::SVFOP_CURRENT_USER),
            Expr::SessionUser => user(SQLValueFunctionOp::SVFOP_SESSION_USER),
            Expr::Column(name) => {
                let column = node::<pg_sys::ColumnRef>(NodeTag::T_ColumnRef);
                (*column).fields = list(&[pg_sys::makeString(palloc(name)).cast()]);
                column.cast()
            }
            Expr::Array(elements) => array(elements),
            Expr::Equal(a, b) => equal(A_Expr_Kind::AEXPR_OP, tree(a), tree(b)),
            Expr::IsIn(a, b) => equal(A_Expr_Kind::AEXPR_OP_ANY, tree(a), tree(b)),
            Expr::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| tree(part)).collect();
                logic(BoolExprType::OR_EXPR, &parts)
            }
            Expr::Not(part) => logic(BoolExprType::NOT_EXPR, &[tree(part)]),
            Expr::If(condition, yes, no) => {
                let when = node::<pg_sys::CaseWhen>(NodeTag::T_CaseWhen);
                (*when).expr = tree(condition).cast();
                (*when).result = tree(yes).cast();
                let case = node::<pg_sys::CaseExpr>(NodeTag::T_CaseExpr);
                (*case).args = list(&[when.cast()]);
                (*case).defresult = tree(no).cast();
                case.cast()
            }
            Expr::Once(part) => once(tree(part)),
            Expr::Lookup(values, keys, key) => lookup(values, keys, tree(key)),
        }
    }
}

/// # Safety
/// Allocates in the current memory context.
unsafe fn user(which: pg_sys::SQLValueFunctionOp::Type) -> *mut pg_sys::Node {
    // SAFETY: as gram.y, makeSQLValueFunction, and a cast to text.
    unsafe {
        let function = node::<pg_sys::SQLValueFunction>(NodeTag::T_SQLValueFunction);
        (*function).op = which;
        (*function).typmod = -1;
        (*function).location = -1;
        cast(function.cast(), pg_sys::TEXTOID)
    }
}

/// # Safety
/// Allocates in the current memory context; `arg` is a node.
unsafe fn cast(arg: *mut pg_sys::Node, to: Oid) -> *mut pg_sys::Node {
    // SAFETY: a cast to a type by its OID, without a modifier: nothing is cut off.
    unsafe {
        let cast = node::<pg_sys::TypeCast>(NodeTag::T_TypeCast);
        (*cast).arg = arg;
        (*cast).typeName = pg_sys::makeTypeNameFromOid(to, -1);
        (*cast).location = -1;
        cast.cast()
    }
}

/// # Safety
/// Allocates in the current memory context.
unsafe fn array(elements: &Elements) -> *mut pg_sys::Node {
    // SAFETY: a text constant, cast to the type's array.
    unsafe {
        let constant = node::<pg_sys::A_Const>(NodeTag::T_A_Const);
        (*constant).val.sval = pg_sys::String {
            type_: NodeTag::T_String,
            sval: palloc(&elements.literal()),
        };
        (*constant).location = -1;
        cast(constant.cast(), pg_sys::get_array_type(elements.kind.oid))
    }
}

/// # Safety
/// Allocates in the current memory context; the sides are nodes.
unsafe fn equal(
    kind: pg_sys::A_Expr_Kind::Type,
    left: *mut pg_sys::Node,
    right: *mut pg_sys::Node,
) -> *mut pg_sys::Node {
    // SAFETY: fresh nodes.
    unsafe {
        let operation = node::<pg_sys::A_Expr>(NodeTag::T_A_Expr);
        (*operation).kind = kind;
        (*operation).name = of_the_server("=");
        (*operation).lexpr = left;
        (*operation).rexpr = right;
        (*operation).location = -1;
        operation.cast()
    }
}

/// # Safety
/// Allocates in the current memory context; the parts are nodes.
unsafe fn logic(
    which: pg_sys::BoolExprType::Type,
    parts: &[*mut pg_sys::Node],
) -> *mut pg_sys::Node {
    // SAFETY: fresh nodes.
    unsafe {
        let logic = node::<pg_sys::BoolExpr>(NodeTag::T_BoolExpr);
        (*logic).boolop = which;
        (*logic).args = list(parts);
        (*logic).location = -1;
        logic.cast()
    }
}

/// # Safety
/// Allocates in the current memory context; `what` is a node.
unsafe fn once(what: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: as gram.y makes it: a sub-link around a SELECT without FROM. The column has a name, since the
    // server would else make one of the name of a type, and types have none here but their OIDs.
    unsafe {
        let target = node::<pg_sys::ResTarget>(NodeTag::T_ResTarget);
        (*target).name = palloc("answer");
        (*target).val = what;
        (*target).location = -1;
        let select = node::<pg_sys::SelectStmt>(NodeTag::T_SelectStmt);
        (*select).targetList = list(&[target.cast()]);
        let link = node::<pg_sys::SubLink>(NodeTag::T_SubLink);
        (*link).subLinkType = pg_sys::SubLinkType::EXPR_SUBLINK;
        (*link).subselect = select.cast();
        (*link).location = -1;
        link.cast()
    }
}

/// # Safety
/// Allocates in the current memory context; `key` is a node.
unsafe fn lookup(values: &Elements, keys: &Elements, key: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: fresh nodes; one subscript that is no slice.
    unsafe {
        let call = node::<pg_sys::FuncCall>(NodeTag::T_FuncCall);
        (*call).funcname = of_the_server("array_position");
        (*call).args = list(&[array(keys), key]);
        (*call).funcformat = pg_sys::CoercionForm::COERCE_EXPLICIT_CALL;
        (*call).location = -1;
        let subscript = node::<pg_sys::A_Indices>(NodeTag::T_A_Indices);
        (*subscript).uidx = call.cast();
        let element = node::<pg_sys::A_Indirection>(NodeTag::T_A_Indirection);
        (*element).arg = array(values);
        (*element).indirection = list(&[subscript.cast()]);
        element.cast()
    }
}

impl TypeName {
    /// `text`
    pub fn text() -> TypeName {
        TypeName {
            oid: pg_sys::TEXTOID,
            name: "text".to_owned(),
        }
    }
}

impl Elements {
    /// The array as text, as the server reads it: each element in quotes.
    pub fn literal(&self) -> String {
        let quoted: Vec<String> = self
            .items
            .iter()
            .map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        format!("{{{}}}", quoted.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_of_an_array_stands_in_quotes() {
        let kind = TypeName {
            oid: Oid::INVALID,
            name: "text".to_owned(),
        };
        let items = ["a", "a\"b", "c\\d", "NULL", "x,y", ""]
            .map(str::to_owned)
            .to_vec();
        let array = Elements { kind, items };
        assert_eq!(array.literal(), r#"{"a","a\"b","c\\d","NULL","x,y",""}"#);
    }
}
