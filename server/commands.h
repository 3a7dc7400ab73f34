/* Commands: the subcommands of `traind` that are not the daemon itself. Each prints for people and
 * returns the process's exit status: 0 good, 1 it failed, 2 wrong use. `argv` is what stands after
 * the subcommand's name. */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

/* One job in the foreground, without a server: traind train SPEC.json */
int command_train(int argc, char **argv);

/* Stores a data set in the data directory: traind dataset add NAME PATH */
int command_dataset(int argc, char **argv);

/* Access tokens: traind token add NAME --scope submit */
int command_token(int argc, char **argv);

/* Copies the database while the daemon runs: traind backup FILE */
int command_backup(int argc, char **argv);

/* Whether the daemon answers: traind healthcheck [--url http://127.0.0.1:8080] */
int command_healthcheck(int argc, char **argv);

#endif
