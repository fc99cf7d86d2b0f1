"""A script for a process of its own: the tokenizers library reads one file and a line of text, under a limit."""

import sys

TEXT = "return aaaa(x_1) != 23;\n\té 漢字 😀 the end"


def limit_memory(most: int) -> None:
    """End this process where it would take more bytes than that."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def try_tokenizer(file: str) -> None:
    """Read the file, a text and the file's own copy, as transformers will."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(file)
    tokenizer.decode(tokenizer.encode(TEXT).ids)
    Tokenizer.from_str(tokenizer.to_str())


if __name__ == "__main__":
    limit_memory(int(sys.argv[2]))
    try_tokenizer(sys.argv[1])
