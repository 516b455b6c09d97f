// You have read the first line of a request, and choose a page by it.
//
// The line is a `String`, which owns its text. The literals are `&str`, borrowed from the program
// itself. A pattern must have the type of the value that it is compared with, and `match` converts
// nothing: E0308.
//
// The fix: give the `match` a `&str`.

fn main() {
    let request_line = String::from("GET /sleep HTTP/1.1");

    let page = match request_line {
        "GET / HTTP/1.1" => "the front page",
        "GET /sleep HTTP/1.1" => "the slow page",
        _ => "not found",
    };

    assert_eq!(page, "the slow page");
}
