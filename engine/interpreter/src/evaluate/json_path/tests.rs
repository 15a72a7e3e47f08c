//! What paths select and where they write; what is recorded says so.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

struct Data {
    input: Value,
    context: Value,
    variables: BTreeMap<&'static str, Value>,
}

impl Bindings for Data {
    fn input(&self) -> &Value {
        &self.input
    }

    fn context(&self) -> &Value {
        &self.context
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }
}

fn data(input: Value) -> Data {
    let context = tree!({"Execution": {"Input": {"a": 1}}});
    let variables = BTreeMap::from([("x", tree!({"a": [10, 20]})), ("list", tree!([1, 3]))]);
    Data {
        input,
        context,
        variables,
    }
}

#[track_caller]
fn check(input: &Value, path: &str, expected: &Value) {
    let data = data(input.clone());
    let parsed = JsonPath::parse(path).unwrap();
    let value = evaluate(&parsed, &data).unwrap();
    assert_eq!(*value, *expected, "{path}");
    if let Ok(path) = ReferencePath::parse(path) {
        assert_eq!(
            evaluate_reference(&path, &data).unwrap(),
            expected,
            "{path}"
        );
        assert!(
            matches!(value, Cow::Borrowed(_)),
            "{path} is followed without a copy"
        );
    }
}

#[track_caller]
fn fail(input: &Value, path: &str, expected: &str) {
    let parsed = JsonPath::parse(path).unwrap();
    let error = evaluate(&parsed, &data(input.clone())).unwrap_err();
    assert_eq!(error.to_string(), expected, "{path}");
}

#[test]
fn definite_paths_give_the_value_itself() {
    let input = tree!({"a": {"b c": [1, [2, 3]]}, "n": null});
    check(&input, "$", &input);
    check(&input, "$.a['b c'][1][-2]", &tree!(2));
    check(&input, "$.n", &tree!(null));
    check(&input, "$$.Execution.Input.a", &tree!(1));
    check(&input, "$x.a[1]", &tree!(20));
    check(&input, "$list", &tree!([1, 3]));
}

/// The first two are recorded: cases `invalid_jsonpath` and `no.such.result.path`.
#[test]
fn a_missing_leaf_names_the_whole_path_and_a_missing_ancestor_itself() {
    let input = tree!({"int-literal": 0, "a": {"b": 1}, "l": [1]});
    fail(
        &input,
        "$.NoSuchInputPath",
        "No results for path: $['NoSuchInputPath']",
    );
    fail(
        &input,
        "$.no.such.result.path",
        "Missing property in path $['no']",
    );
    fail(&input, "$.a.x", "No results for path: $['a']['x']");
    fail(&input, "$.a.x.y.z", "Missing property in path $['a']['x']");
    fail(&input, "$.l[1]", "No results for path: $['l'][1]");
    fail(&input, "$.l[-2].x", "No results for path: $['l'][-2]['x']");
    fail(
        &input,
        "$$.Execution.Input.x",
        "No results for path: $['Execution']['Input']['x']",
    );
    fail(&input, "$unknown", "No results for path: $['unknown']");
    fail(
        &input,
        "$unknown.a",
        "Missing property in path $['unknown']",
    );
    fail(
        &input,
        "$unknown[*]",
        "Missing property in path $['unknown']",
    );
    fail(&input, "$x.b", "No results for path: $['x']['b']");
    let not_an_object = "Expected to find an object with property ['c'] in path $['a']['b']";
    fail(&input, "$.a.b.c", not_an_object);
    fail(
        &input,
        "$.a[0]",
        "Filter: [0] can only be applied to arrays",
    );
    fail(&input, "$.x['a','b']", "No results for path: $['x']");
}

#[test]
fn an_index_past_the_end_can_be_told_from_a_missing_property() {
    let data = data(tree!({"l": [1]}));
    let evaluate = |path: &str| evaluate(&JsonPath::parse(path).unwrap(), &data).unwrap_err();
    assert!(evaluate("$.l[1]").is_index_past_end());
    assert!(evaluate("$.l[1].x").is_index_past_end());
    assert!(!evaluate("$.x").is_index_past_end());
    assert!(!evaluate("$.x[0]").is_index_past_end());
}

fn store() -> Value {
    tree!({
        "items": [
            {"id": 1, "name": "a", "tags": ["x", "y"]},
            {"id": 2, "name": "b", "tags": []},
            {"id": 3, "price": null, "tags": ["y"]},
        ],
        "one": {"id": 2},
        "n": [5, 6, 7, 8, 9],
    })
}

#[test]
fn indefinite_paths_give_all_matches_in_document_order() {
    let input = store();
    check(&input, "$.items[*].id", &tree!([1, 2, 3]));
    check(&input, "$..id", &tree!([1, 2, 3, 2]));
    check(&input, "$.items.*.name", &tree!(["a", "b"]));
    check(&input, "$.one.*", &tree!([2]));
    check(&input, "$.n[1:3]", &tree!([6, 7]));
    check(&input, "$.n[-2:]", &tree!([8, 9]));
    check(&input, "$.n[:1]", &tree!([5]));
    check(&input, "$.n[::2]", &tree!([5, 7, 9]));
    check(&input, "$.n[::-2]", &tree!([9, 7, 5]));
    check(&input, "$.n[3:0:-1]", &tree!([8, 7, 6]));
    check(&input, "$.n[-99:99]", &tree!([5, 6, 7, 8, 9]));
    check(&input, "$.n[4,0,9,-2]", &tree!([9, 5, 8]));
    check(
        &input,
        "$..[0]",
        &tree!([{"id": 1, "name": "a", "tags": ["x", "y"]}, "x", "y", 5]),
    );
    check(&input, "$x..*", &tree!([[10, 20], 10, 20]));
}

/// [R]: cases `json_path_array_wildcard_or_slice_with_no_input`.
#[test]
fn what_is_not_there_is_not_selected() {
    let input = tree!({});
    for path in [
        "$.item.items[*]",
        "$.item.items[1:5].itemValue",
        "$.items[1:]",
        "$.items[0,1]",
        "$..a",
        "$.a[?(@.b)]",
        "$.*",
    ] {
        check(&input, path, &tree!([]));
    }
    check(&tree!(7), "$[*]", &tree!([]));
}

#[test]
fn a_list_of_names_makes_one_object() {
    let input = store();
    check(
        &input,
        "$['one','n','zz']",
        &tree!({"one": {"id": 2}, "n": [5, 6, 7, 8, 9]}),
    );
    check(&input, "$.one['x','y']", &tree!({}));
    check(
        &input,
        "$.items[0:2]['id','name']",
        &tree!([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]),
    );
    check(&input, "$['one','items'].id", &tree!([2]));
    check(
        &tree!({"a": {"b": 1}}),
        "$..['b','c']",
        &tree!([{}, {"b": 1}]),
    );
}

#[test]
fn filters_test_elements_of_arrays() {
    #[track_caller]
    fn check_ids(filter: &str, ids: &[u64]) {
        check(&store(), &format!("$.items[?({filter})].id"), &tree!(ids));
    }
    check_ids("@.name", &[1, 2]);
    check_ids("@.price", &[3]);
    check_ids("!@.name", &[3]);
    check_ids("@.id == 2", &[2]);
    check_ids("@.id==2.0", &[2]);
    check_ids("@.id == '2'", &[]);
    check_ids("@.id != 2", &[1, 3]);
    check_ids("@.name != 'a'", &[2, 3]);
    check_ids("@.price == null", &[3]);
    check_ids("@.id > 1 && @.id <= 3", &[2, 3]);
    check_ids("@.id < 2 || @.id >= 3", &[1, 3]);
    check_ids("!(@.id < 2 || @.id >= 3)", &[2]);
    check_ids("@.name > 'a'", &[2]);
    check_ids("@.name < 1", &[]);
    check_ids("2 == @.id", &[2]);
    check_ids("@.id == $.one.id", &[2]);
    check_ids("@.id == $$.Execution.Input.a", &[1]);
    check_ids("@.id in $list", &[1, 3]);
    check_ids("@.id in [2, 'b']", &[2]);
    check_ids("@.name nin ['b']", &[1, 3]);
    check_ids("@.tags subsetof ['y','z']", &[2, 3]);
    check_ids("@.tags anyof ['x']", &[1]);
    check_ids("@.tags noneof ['x']", &[2, 3]);
    check_ids("@.tags contains 'y'", &[1, 3]);
    check_ids("@.name contains 'a'", &[1]);
    check_ids("@.tags size 1", &[3]);
    check_ids("@.name size 1", &[1, 2]);
    check_ids("@.tags empty true", &[2]);
    check_ids("@.tags empty false", &[1, 3]);
    check_ids("@.tags == ['x', 'y']", &[1]);
    check_ids("@.name =~ /[AB]/i", &[1, 2]);
    check_ids("@.name =~ //", &[]);
    check_ids("@.tags[?(@ == 'x')]", &[1]);
    check_ids("@.tags[*] contains 'x'", &[1]);
    check_ids("@['name'] == 'b'", &[2]);
}

#[test]
fn filters_test_an_object_itself() {
    let input = store();
    check(&input, "$.one[?(@.id == 2)]", &tree!([{"id": 2}]));
    check(&input, "$.one[?(@.id == 3)]", &tree!([]));
    check(&input, "$..[?(@.id == 2)].id", &tree!([2, 2]));
    check(&input, "$.n[?(@ > 7)]", &tree!([8, 9]));
    check(&input, "$..[?(@ > 7)]", &tree!([8, 9]));
}

/// [R]: case `state_pass_regex_json_path_base`.
#[test]
fn a_recorded_filter() {
    let input = tree!({"users": [{"year": 1997, "status": 0}, {"year": 1998, "status": 1}]});
    check(
        &input,
        "$.users[?(@.status == 0)]",
        &tree!([{"year": 1997, "status": 0}]),
    );
}

#[test]
fn big_integers_compare_exactly() {
    let input = tree!([9_007_199_254_740_993_i64, 18_446_744_073_709_551_615_u64]);
    check(&input, "$[?(@ == 9007199254740992)]", &tree!([]));
    check(
        &input,
        "$[?(@ > 9007199254740993)]",
        &tree!([18_446_744_073_709_551_615_u64]),
    );
}

#[test]
fn evaluation_ends() {
    let wide = tree!(vec![vec![0; 100]; 100]);
    for path in [
        "$..*..*..*..*",
        "$..[?(@ in $..*)]",
        "$[?($..*..* == $..*..*)]",
    ] {
        let _ = evaluate(&JsonPath::parse(path).unwrap(), &data(wide.clone()));
    }
    let deep = (0..100).fold(tree!(1), |inner, _| tree!([inner]));
    fail(
        &tree!(vec![vec![0; 1000]; 1000]),
        "$..*",
        "The path selects too many values",
    );
    check(&deep, &format!("$..{}a", "*..".repeat(2)), &tree!([]));
    check(
        &tree!({}),
        &format!("$[*]{}", ".a".repeat(4000)),
        &tree!([]),
    );
}

#[track_caller]
fn check_write(mut target: Value, path: &str, expected: &Value) {
    let parsed = ReferencePath::parse(path).unwrap();
    let (kept, text) = (target.clone(), target.to_string());
    write(&mut target, &parsed, tree!("new")).unwrap();
    assert_eq!(target, *expected, "{path}");
    assert_eq!(
        kept.to_string(),
        text,
        "whoever shares the target keeps what it was"
    );
}

#[test]
fn writing_creates_objects_and_replaces_values() {
    check_write(tree!(1), "$", &tree!("new"));
    check_write(tree!({}), "$.a", &tree!({"a": "new"}));
    check_write(
        tree!({"z": 1}),
        "$.a.b['c d']",
        &tree!({"z": 1, "a": {"b": {"c d": "new"}}}),
    );
    check_write(
        tree!({"a": {"b": 1, "c": 2}}),
        "$.a.b",
        &tree!({"a": {"b": "new", "c": 2}}),
    );
    check_write(
        tree!({"a": [1, {"b": 2}]}),
        "$.a[1].b",
        &tree!({"a": [1, {"b": "new"}]}),
    );
    check_write(tree!({"a": [1, 2]}), "$.a[-1]", &tree!({"a": [1, "new"]}));
    check_write(tree!({"a": 1}), "$.a", &tree!({"a": "new"}));
}

#[test]
fn writing_stops_at_what_is_in_the_way() {
    #[track_caller]
    fn fail(target: &Value, path: &str, expected: &str) {
        let mut written = target.clone();
        let path = ReferencePath::parse(path).unwrap();
        let error = write(&mut written, &path, tree!("new")).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(written, *target, "a failed write changes nothing");
    }
    fail(
        &tree!({"a": 1}),
        "$.a.b",
        "the parent is not an object at $['a']['b']",
    );
    fail(
        &tree!({"a": null}),
        "$.a.b.c",
        "the parent is not an object at $['a']['b']",
    );
    fail(
        &tree!("text"),
        "$.a",
        "the parent is not an object at $['a']",
    );
    fail(&tree!([1]), "$.a", "the parent is not an object at $['a']");
    fail(
        &tree!({"a": {}}),
        "$.a[0]",
        "the parent is not an array at $['a'][0]",
    );
    fail(
        &tree!({"a": [1]}),
        "$.a[1]",
        "the index is out of range at $['a'][1]",
    );
    fail(
        &tree!({"a": [1]}),
        "$.a[-2]",
        "the index is out of range at $['a'][-2]",
    );
    fail(&tree!({}), "$.a.b[0]", "no array can be created at $['a']");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3_i64..10).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|pairs| Members::from_iter(pairs).into()),
        ]
    })
}

/// Segments that RFC 9535 reads as we do.
fn shared_path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        "[.][a-c]",
        Just("[*]".to_owned()),
        Just(".*".to_owned()),
        (-3_i64..4).prop_map(|index| format!("[{index}]")),
        (-3_i64..4, -3_i64..4).prop_map(|(one, other)| format!("[{one},{other}]")),
        "\\[(-[1-3]|[0-3])?:(-[1-3]|[0-3])?(:-?[12])?\\]",
        "[.][.][a-c]",
        Just("..*".to_owned()),
        Just("..[0]".to_owned()),
    ];
    prop::collection::vec(segment, 0..4).prop_map(|segments| format!("${}", segments.concat()))
}

fn any_path() -> impl Strategy<Value = String> {
    let operand = prop_oneof![
        "@([.][a-c]){0,2}",
        "[$][.][a-c]",
        "'[ab]?'",
        "[0-9]",
        Just("['a',1]".to_owned()),
        Just("@..*".to_owned()),
        Just("true".to_owned()),
    ];
    let operator = prop::sample::select(vec![
        "==", "!=", "<", "<=", ">", ">=", "in", "nin", "subsetof", "anyof", "noneof", "contains",
        "size", "empty",
    ]);
    let filter = (operand.clone(), operator, operand)
        .prop_map(|(left, operator, right)| format!("[?({left} {operator} {right})]"));
    (shared_path(), filter, shared_path(), "(\\['a','b'\\])?").prop_map(
        |(before, filter, after, names)| format!("{before}{filter}{}{names}", &after[1..]),
    )
}

proptest! {
    #[test]
    fn any_path_is_evaluated_without_panic(
        path in prop_oneof![any_path(), r"[$][$@.*?()\[\]'a-c0-2:,=!<]{0,20}"],
        input in any_json(),
    ) {
        if let Ok(path) = JsonPath::parse(&path) {
            let data = data(input);
            let value = evaluate(&path, &data);
            prop_assert!(path.is_definite() || value.unwrap().is_array());
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        path in "[$](([.][a-c])|(\\[[0-2]\\])){0,3}",
        input in any_json(),
    ) {
        let path = ReferencePath::parse(&path).unwrap();
        let mut target = input.clone();
        if write(&mut target, &path, tree!("new")).is_ok() {
            let data = data(target);
            prop_assert_eq!(evaluate_reference(&path, &data), Ok(&tree!("new")));
        } else {
            prop_assert_eq!(target, input);
        }
    }

    #[test]
    fn where_the_dialects_agree_so_do_the_results(path in shared_path(), input in any_json()) {
        let theirs = serde_json_path::JsonPath::parse(&path).unwrap();
        let theirs: Vec<Value> = {
            let input = serde_json::Value::from(&input);
            theirs.query(&input).into_iter().map(Value::from).collect()
        };
        let ours = JsonPath::parse(&path).unwrap();
        let data = data(input);
        if ours.is_definite() {
            let found = evaluate(&ours, &data).ok();
            prop_assert_eq!(found.as_deref(), theirs.first());
        } else {
            let sorted = |values: Vec<Value>| {
                let mut texts: Vec<String> = values.iter().map(Value::to_string).collect();
                texts.sort();
                texts
            };
            let found = evaluate(&ours, &data).unwrap().into_owned();
            let Value::Array(found) = found else { panic!("{found} is an array") };
            // The order of what `..` finds is free in RFC 9535.
            if path.contains("..") {
                prop_assert_eq!(sorted(found.to_vec()), sorted(theirs));
            } else {
                prop_assert_eq!(&*found, &*theirs);
            }
        }
    }
}
