package main

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

const completionDetails = `The script completes commands and flags. To install it for the current user:

  bash  syftevent completion bash > ~/.local/share/bash-completion/completions/syftevent
  zsh   syftevent completion zsh > "${fpath[1]}/_syftevent"
  fish  syftevent completion fish > ~/.config/fish/completions/syftevent.fish
`

func shellNames() []string { return []string{"bash", "fish", "zsh"} }

// completion prints the completion script of a shell.
func completion(args []string, stdout io.Writer) error {
	words, err := parseFlags(cmdline.NewFlags("completion"), args)
	if err != nil {
		return err
	}
	shell, err := oneWord("shell", words)
	if err != nil {
		return err
	}
	var script strings.Builder
	switch shell {
	case "bash":
		bashCompletion(&script, commands())
	case "fish":
		fishCompletion(&script, commands())
	case "zsh":
		zshCompletion(&script, commands())
	default:
		return usageError("unknown shell %q; want %s", shell, strings.Join(shellNames(), ", "))
	}
	_, err = io.WriteString(stdout, script.String())
	return err
}

// flagsOf returns the flags of a command.
func flagsOf(c subcommand) (flags []*flag.Flag) {
	if c.flags != nil {
		cmdline.NewFlags(c.name, c.flags).VisitAll(func(f *flag.Flag) { flags = append(flags, f) })
	}
	return flags
}

// wordsOf returns the words that a command takes.
func wordsOf(c subcommand) []string {
	if c.words == nil {
		return nil
	}
	return c.words()
}

// takesFile reports whether the value of a flag is a file.
func takesFile(f *flag.Flag) bool {
	value, _ := flag.UnquoteUsage(f)
	return value == "FILE"
}

func bashCompletion(w io.Writer, table []subcommand) {
	fmt.Fprintf(w, `# bash completion for %[1]s
_%[1]s() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W %[2]s -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]}:$prev in
`, program, shellQuote(strings.Join(commandNames(), " ")))
	var files, other []string // flags, as COMMAND:-FLAG
	for _, c := range table {
		for _, f := range flagsOf(c) {
			switch pattern := c.name + ":-" + f.Name; {
			case takesFile(f):
				files = append(files, pattern)
			case !isBool(f):
				other = append(other, pattern)
			}
		}
	}
	fmt.Fprintf(w, `	%s)
		local IFS=$'\n'
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$cur"))
		return ;;
	%s)
		return ;;
	esac
	case ${COMP_WORDS[1]} in
`, strings.Join(files, " | "), strings.Join(other, " | "))
	for _, c := range table {
		words := wordsOf(c)
		for _, f := range flagsOf(c) {
			words = append(words, "-"+f.Name)
		}
		if len(words) > 0 {
			fmt.Fprintf(w, "\t%s) words=%s ;;\n", c.name, shellQuote(strings.Join(words, " ")))
		}
	}
	fmt.Fprintf(w, "\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _%[1]s %[1]s\n", program)
}

func zshCompletion(w io.Writer, table []subcommand) {
	fmt.Fprintf(w, "#compdef %[1]s\n\n_%[1]s() {\n\tlocal -a commands\n\tcommands=(\n", program)
	for _, c := range table {
		fmt.Fprintf(w, "\t\t%s\n", shellQuote(c.name+":"+c.summary))
	}
	fmt.Fprint(w, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tlocal command=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $command in\n")
	for _, c := range table {
		var specs []string
		for _, f := range flagsOf(c) {
			value, text := flag.UnquoteUsage(f)
			spec := fmt.Sprintf("*-%s[%s]", f.Name, zshEscape(text))
			switch {
			case takesFile(f):
				spec += ":" + value + ":_files"
			case !isBool(f):
				spec += ":" + value + ": "
			}
			specs = append(specs, shellQuote(spec))
		}
		if words := wordsOf(c); len(words) > 0 {
			specs = append(specs, shellQuote("1:word:("+strings.Join(words, " ")+")"))
		}
		if len(specs) > 0 {
			fmt.Fprintf(w, "\t%s)\n\t\t_arguments %s ;;\n", c.name, strings.Join(specs, " \\\n\t\t\t"))
		}
	}
	fmt.Fprintf(w, "\tesac\n}\n\nif [ \"$funcstack[1]\" = _%[1]s ]; then\n\t_%[1]s \"$@\"\nelse\n\tcompdef _%[1]s %[1]s\nfi\n", program)
}

// zshEscape escapes the characters that are special in the description of an argument.
func zshEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`).Replace(s)
}

func fishCompletion(w io.Writer, table []subcommand) {
	fmt.Fprintf(w, "# fish completion for %[1]s\ncomplete -c %[1]s -f\n", program)
	for _, c := range table {
		fmt.Fprintf(w, "complete -c %s -n __fish_use_subcommand -a %s -d %s\n", program, c.name, fishQuote(c.summary))
		condition := fishQuote("__fish_seen_subcommand_from " + c.name)
		for _, f := range flagsOf(c) {
			kind := "" // a flag without a value
			switch {
			case takesFile(f):
				kind = " -r -F"
			case !isBool(f):
				kind = " -x"
			}
			option := "-o"
			if len(f.Name) == 1 {
				option = "-s"
			}
			_, text := flag.UnquoteUsage(f)
			fmt.Fprintf(w, "complete -c %s -n %s %s %s%s -d %s\n", program, condition, option, f.Name, kind, fishQuote(text))
		}
		if words := wordsOf(c); len(words) > 0 {
			fmt.Fprintf(w, "complete -c %s -n %s -a %s\n", program, condition, fishQuote(strings.Join(words, " ")))
		}
	}
}

// shellQuote quotes a word for bash and zsh.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// fishQuote quotes a word for fish.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
