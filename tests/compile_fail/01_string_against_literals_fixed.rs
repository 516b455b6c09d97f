// `as_str` lends the text and copies nothing. (`&request_line[..]` does the same, but is harder to
// read.)
//
// The comparison with `==` needs no `as_str`: the standard library defines how a `String` and a
// `str` compare. For patterns there is no such definition.

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
