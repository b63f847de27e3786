//! Every command of the table as a function of the module and as a method of a connection.

use rhai::{Dynamic, FuncRegistration, Map, Module, NativeCallContext};

use super::spec::{self, Spec};
use super::{Rac, calls, docs};

/// The first parameter of methods.
const RECEIVER: &str = "rac: &mut Rac";
const OPTIONS: &str = "options: Map";

/// Their comments are told when somebody asks: [`docs::comments`].
pub fn register(functions: &mut Module, methods: &mut Module) {
    for spec in spec::all() {
        let name = spec.name();
        let key = spec.key.map(|option| option.script_name());
        let gives = docs::gives(spec);
        let described = |params: &[&str]| {
            let params = params.iter().copied().chain([gives]);
            FuncRegistration::new(&name).with_params_info(params)
        };
        if spec.may_be_bare() {
            described(&[]).set_into_module(functions, move |call: NativeCallContext<'_>| {
                calls::run(&call, &Rac::default(), spec, None, &Map::new())
            });
        }
        // What is needed may be among the options of the connection.
        described(&[RECEIVER]).set_into_module(methods, move |call: NativeCallContext<'_>, rac: &mut Rac| {
            calls::run(&call, rac, spec, None, &Map::new())
        });
        if spec.takes_options() {
            with_options(spec, &described, functions, methods);
        }
        if let Some(key) = &key {
            with_key(spec, &described, key, functions, methods);
        }
    }
}

fn with_options(
    spec: Spec,
    described: &dyn Fn(&[&str]) -> FuncRegistration,
    functions: &mut Module,
    methods: &mut Module,
) {
    described(&[OPTIONS]).set_into_module(functions, move |call: NativeCallContext<'_>, options: Map| {
        calls::run(&call, &Rac::default(), spec, None, &options)
    });
    described(&[RECEIVER, OPTIONS])
        .set_into_module(methods, move |call: NativeCallContext<'_>, rac: &mut Rac, options: Map| {
            calls::run(&call, rac, spec, None, &options)
        });
}

fn with_key(
    spec: Spec,
    described: &dyn Fn(&[&str]) -> FuncRegistration,
    key: &str,
    functions: &mut Module,
    methods: &mut Module,
) {
    described(&[key]).set_into_module(functions, move |call: NativeCallContext<'_>, about: Dynamic| {
        calls::run(&call, &Rac::default(), spec, Some(about), &Map::new())
    });
    described(&[RECEIVER, key]).set_into_module(
        methods,
        move |call: NativeCallContext<'_>, rac: &mut Rac, about: Dynamic| {
            calls::run(&call, rac, spec, Some(about), &Map::new())
        },
    );
    described(&[key, OPTIONS]).set_into_module(
        functions,
        move |call: NativeCallContext<'_>, about: Dynamic, options: Map| {
            calls::run(&call, &Rac::default(), spec, Some(about), &options)
        },
    );
    described(&[RECEIVER, key, OPTIONS]).set_into_module(
        methods,
        move |call: NativeCallContext<'_>, rac: &mut Rac, about: Dynamic, options: Map| {
            calls::run(&call, rac, spec, Some(about), &options)
        },
    );
}
