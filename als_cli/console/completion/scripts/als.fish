# Completion of als in fish. Load it with: als completion fish | source
function __als_completion
    set -l words (commandline -opc)
    set -l start (commandline -ct)
    set -l plain (string unescape -- $start 2>/dev/null)
    and set start $plain
    env _ALS_COMPLETE=fish $words "$start" 2>/dev/null
end
complete --command als --no-files --arguments '(__als_completion)'
