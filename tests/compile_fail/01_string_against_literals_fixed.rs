// `as_str` lends the text without copying it. (`&request_line[..]` is the same, harder to read.)
//
// The comparison with `==` never needed that: the standard library says how a `String` and a `str`
// compare. There is no such thing for patterns.

fn main() {
    let request_line = String::from("GET /sleep HTTP/1.1");

    let page = match request_line.as_str() {
        "GET / HTTP/1.1" => "the front page",
        "GET /sleep HTTP/1.1" => "the slow page",
        _ => "not found",
    };

    assert_eq!(page, "the slow page");
    assert!(request_line == "GET /sleep HTTP/1.1");
}
