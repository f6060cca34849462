use serde_json::json;

use super::*;

#[test]
fn every_rule_parses() {
    let rules = parse(include_str!("rules.txt")).unwrap();
    assert!(rules.len() > 30);
    assert!(rules["apps/Deployment"].len() > 40);
}

#[test]
fn a_deployment_gets_what_a_cluster_shows_on_it() {
    let mut object = json!({"spec": {"strategy": {}, "template": {"spec": {"containers": [
        {"name": "a", "image": "nginx", "ports": [{"containerPort": 80}],
         "livenessProbe": {"httpGet": {"port": 80}}},
        {"name": "b", "image": "localhost:5000/x:1.0"},
    ], "volumes": [{"name": "v"}, {"name": "s", "secret": {"secretName": "x"}}]}}}});
    apply("apps", "Deployment", &mut object);
    let spec = &object["spec"];
    assert_eq!(spec["replicas"], 1);
    assert_eq!(
        spec["strategy"],
        json!({
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        })
    );
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Always");
    assert_eq!(pod["containers"][0]["imagePullPolicy"], "Always");
    assert_eq!(pod["containers"][1]["imagePullPolicy"], "IfNotPresent");
    assert_eq!(pod["containers"][0]["ports"][0]["protocol"], "TCP");
    assert_eq!(
        pod["containers"][0]["livenessProbe"]["httpGet"]["path"],
        "/"
    );
    assert_eq!(pod["volumes"][0]["emptyDir"], json!({}));
    assert_eq!(pod["volumes"][1]["secret"]["defaultMode"], 420);
}

#[test]
fn defaulting_twice_changes_nothing_more() {
    let mut object = json!({"spec": {"ports": [{"port": 80}], "type": "LoadBalancer"}});
    apply("", "Service", &mut object);
    let once = object.clone();
    apply("", "Service", &mut object);
    assert_eq!(object, once);
    assert_eq!(object["spec"]["ports"][0]["targetPort"], 80);
    assert_eq!(object["spec"]["allocateLoadBalancerNodePorts"], true);
}
