#!/usr/bin/env perl
# print_case_fold.pl: the table of simple case folding (Unicode, CaseFolding.txt, status C and S) as C.
#
#   scripts/print_case_fold.pl > src/spec/case_fold.def
#
# Keys of names are stored: the table is part of the format of the data. A newer Unicode version may add lines for
# characters that were not assigned before; none may change without an upgrade script that makes the keys again.
#
# SPDX-License-Identifier: PostgreSQL
use strict;
use warnings;
use Unicode::UCD qw(casefold);

my @ranges;
for my $code (0x80 .. 0x1FFFF) {
	my $fold = casefold($code) or next;
	next unless length $fold->{simple};
	my $delta = hex($fold->{simple}) - $code;
	next unless $delta;
	my $last = $ranges[-1];
	if ($last && $last->{delta} == $delta) {
		my $step = $code - $last->{last};
		if (($last->{first} == $last->{last} && $step <= 2) || $step == $last->{step}) {
			@$last{qw(last step)} = ($code, $step);
			next;
		}
	}
	push @ranges, {first => $code, last => $code, step => 1, delta => $delta};
}
printf "/*\n * case_fold.def\n *\t\tSimple case folding of Unicode %s above ASCII. Printed by scripts/print_case_fold.pl; do not edit.\n", Unicode::UCD::UnicodeVersion();
print " *\n * ICE_FOLD(first, last, step, delta): each step-th character from first to last folds to itself plus delta.\n";
print " *\n * SPDX-License-Identifier: PostgreSQL\n */\n";
printf "ICE_FOLD(0x%04X, 0x%04X, %d, %d)\n", @$_{qw(first last step delta)} for @ranges;
print "\n#undef ICE_FOLD\n";
