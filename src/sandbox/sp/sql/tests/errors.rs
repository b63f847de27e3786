//! Errors: how far they reach, who catches them, what they say.

use super::check;

#[test]
fn an_error_ends_its_statement_its_procedure_or_its_batch() {
    check(&[
        ("SELECT 1/0\nPRINT 'next'", &["error 8134 16.1 line 1: Divide by zero error encountered.", "print: next"]),
        (
            "PRINT 'a'\nSELECT CAST('x' AS int)\nPRINT 'b'",
            &[
                "print: a",
                "error 245 16.1 line 2: Conversion failed when converting the varchar value 'x' to data type int.",
            ],
        ),
        (
            "PRINT 'a'\nSELECT * FROM nothing\nPRINT 'b'",
            &["print: a", "error 208 16.1 line 2: Invalid object name 'nothing'."],
        ),
        (
            "PRINT 'a'\nEXEC nothing\nPRINT 'b'",
            &["print: a", "error 2812 16.62 line 2: Could not find stored procedure 'nothing'.", "print: b"],
        ),
        ("PRINT 'a' SELEC 1", &["error 102 15.1 line 1: Incorrect syntax near 'SELEC'."]),
        ("PRINT 'a'\nSELECT FROM t", &["error 156 15.1 line 2: Incorrect syntax near the keyword 'FROM'."]),
        ("PRINT 'a", &["error 105 15.1 line 1: Unclosed quotation mark after the character string 'a'."]),
        ("PRINT @x", &["error 137 15.2 line 1: Must declare the scalar variable \"@x\"."]),
        (
            "EXEC('SELECT FROM t') PRINT 'next'",
            &["error 156 15.1 line 1: Incorrect syntax near the keyword 'FROM'.", "print: next"],
        ),
        ("SET XACT_ABORT ON\nSELECT 1/0\nPRINT 'next'", &["error 8134 16.1 line 2: Divide by zero error encountered."]),
        ("SET XACT_ABORT ON\nRAISERROR('x', 16, 1)\nPRINT 'next'", &["error 50000 16.1 line 2: x", "print: next"]),
        (
            "GRANT SELECT ON t TO x",
            &["error 40515 15.1 line 1: 'GRANT' is not supported in this version of SQL Server (the sandbox of pult)."],
        ),
    ]);
}

#[test]
fn try_and_catch() {
    check(&[
        (
            "BEGIN TRY\nPRINT 'in'\nSELECT 1/0\nPRINT 'not here'\nEND TRY\nBEGIN CATCH\nSELECT ERROR_NUMBER(), ERROR_SEVERITY(), ERROR_STATE(), \
             ERROR_LINE(), ERROR_MESSAGE(), ERROR_PROCEDURE(), @@ERROR\nEND CATCH\nPRINT 'after'",
            &[
                "print: in",
                "0 rows",
                "8134|16|1|3|Divide by zero error encountered.|NULL|8134",
                "1 rows",
                "print: after",
            ],
        ),
        (
            "BEGIN TRY THROW 50001, 'mine', 7 END TRY BEGIN CATCH PRINT ERROR_MESSAGE(); THROW END CATCH PRINT 'no'",
            &["print: mine", "error 50001 16.7 line 1: mine"],
        ),
        ("BEGIN TRY RAISERROR('%s', 16, 3, 'text') END TRY BEGIN CATCH PRINT ERROR_STATE() END CATCH", &["print: 3"]),
        (
            "BEGIN TRY RAISERROR('low', 10, 1) PRINT 'goes on' END TRY BEGIN CATCH PRINT 'no' END CATCH",
            &["info 50000 0.1: low", "print: goes on"],
        ),
        (
            "BEGIN TRY SELECT * FROM nothing END TRY BEGIN CATCH PRINT 'no' END CATCH",
            &["error 208 16.1 line 1: Invalid object name 'nothing'."],
        ),
        ("BEGIN TRY EXEC('SELECT * FROM nothing') END TRY BEGIN CATCH PRINT ERROR_NUMBER() END CATCH", &["print: 208"]),
        (
            "BEGIN TRY BEGIN TRY SELECT 1/0 END TRY BEGIN CATCH THROW 50002, 'outer', 1 END CATCH END TRY BEGIN CATCH PRINT ERROR_NUMBER() END CATCH",
            &["0 rows", "print: 50002"],
        ),
        ("SELECT ERROR_NUMBER()", &["NULL", "1 rows"]),
        ("THROW 50000, 'x', 1 PRINT 'no'", &["error 50000 16.1 line 1: x"]),
        (
            "THROW",
            &[
                "error 10704 15.1 line 1: To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW statement inside a CATCH block, or add error parameters to the THROW statement.",
            ],
        ),
        (
            "WHILE 1 = 1 BEGIN BEGIN TRY BREAK END TRY BEGIN CATCH PRINT 'no' END CATCH END SELECT 1/0",
            &["error 8134 16.1 line 1: Divide by zero error encountered."],
        ),
    ]);
}

#[test]
fn raiserror_and_error_numbers() {
    check(&[
        ("RAISERROR('a %d %s', 0, 1, 5, 'b') WITH NOWAIT", &["info 50000 0.1: a 5 b"]),
        ("RAISERROR('a', 9, 2)", &["info 50000 9.2: a"]),
        (
            "RAISERROR('bad', 16, 1) IF @@ERROR = 50000 PRINT 'seen' PRINT @@ERROR",
            &["error 50000 16.1 line 1: bad", "print: seen", "print: 0"],
        ),
        ("RAISERROR('end', 20, 1) WITH LOG PRINT 'no'", &["error 50000 20.1 line 1: end", "stop Disconnect"]),
        (
            "RAISERROR('%s', 16, 1, 5)",
            &[
                "error 2786 16.1 line 1: The data type of substitution parameter 1 does not match the expected type of the format specification.",
            ],
        ),
        (
            "THROW 49999, 'x', 1",
            &[
                "error 35100 16.10 line 1: Error number 49999 in the THROW statement is outside the valid range. Specify an error number in the valid range of 50000 to 2147483647.",
            ],
        ),
    ]);
}
