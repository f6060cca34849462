use super::*;

fn info(verb: &str, resource: &str) -> RequestInfo {
    RequestInfo {
        verb: verb.into(),
        resource: resource.into(),
        ..RequestInfo::default()
    }
}

#[test]
fn a_rule_for_the_nth_request_fires_once() {
    let faults = Faults::default();
    faults.inject(
        Rule::new(Fault::Status(503))
            .verb("patch")
            .resource("secrets")
            .nth(2),
    );
    let seen: Vec<bool> = (0..4)
        .map(|_| faults.next(&info("patch", "secrets")).is_some())
        .collect();
    assert_eq!(seen, [false, true, false, false]);
    assert_eq!(faults.next(&info("get", "secrets")), None);
}

#[test]
fn the_first_rule_that_fires_decides_and_the_others_still_count() {
    let faults = Faults::default();
    faults.inject(Rule::new(Fault::ResetBefore).times(1));
    faults.inject(Rule::new(Fault::Status(500)).nth(2));
    assert_eq!(faults.next(&info("get", "pods")), Some(Fault::ResetBefore));
    assert_eq!(faults.next(&info("get", "pods")), Some(Fault::Status(500)));
    assert_eq!(faults.next(&info("get", "pods")), None);
}
