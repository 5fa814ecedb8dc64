// SPDX-License-Identifier: MIT
/*
 * Counters for each process and device: by a call for one process, from sysfs for
 * all of them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stat_rows.h"

static int add_row(struct stat_rows *rows, const struct stat_row *row)
{
	size_t room = rows->room ? 2 * rows->room : 16;
	struct stat_row *grown;

	if (rows->count == rows->room) {
		grown = reallocarray(rows->rows, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		rows->rows = grown;
		rows->room = room;
	}
	rows->rows[rows->count++] = *row;
	return 0;
}

void stat_free(struct stat_rows *rows)
{
	free(rows->rows);
	*rows = (struct stat_rows){0};
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_rows(const void *left, const void *right)
{
	const struct stat_row *a = left, *b = right;
	int order = compare_u64(a->pid, b->pid);

	if (!order)
		order = compare_u64(a->id, b->id);
	return order ? order : compare_u64(a->gpu_id, b->gpu_id);
}

/* ---- sysfs -------------------------------------------------------------- */

static int read_counter(int dir, const char *name, uint64_t *value)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return got ? -errno : -ENODATA;
	text[got] = '\0';
	*value = strtoull(text, NULL, 10);
	return 0;
}

/* A counter that an older driver does not have is 0. */
static int read_device(int parent, const char *name, struct stat_row *row)
{
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	size_t i;

	if (dir < 0)
		return -errno;
	for (i = 0; i < NCOUNTERS && !ret; i++) {
		row->values[i] = 0;
		ret = read_counter(dir, counters[i].name, &row->values[i]);
		/* The first was there, so the process is, too. */
		if (ret == -ENOENT && i)
			ret = 0;
	}
	close(dir);
	return ret;
}

/* Those that are none are looked over: "." and "..", and what a kobject adds. */
static bool parse_gpu_id(const char *name, uint32_t *gpu_id)
{
	char *end;

	if (strlen(name) != 8 || strspn(name, "0123456789abcdef") != 8)
		return false;
	*gpu_id = strtoul(name, &end, 16);
	return true;
}

/* PID, or PID-ID when an older process of that pid is still there. */
static bool parse_process(const char *name, struct stat_row *row)
{
	char *end;

	if (strspn(name, "0123456789-") != strlen(name) || !*name || *name == '-')
		return false;
	row->pid = strtol(name, &end, 10);
	row->id = *end == '-' ? strtoull(end + 1, &end, 10) : 0;
	return !*end;
}

/* What is gone when it is looked at has ended: no error. */
static bool has_ended(int err)
{
	return err == -ENOENT || err == -ENODEV || err == -ENODATA;
}

static int read_process(int parent, const char *name, struct stat_row *row,
			struct stat_rows *rows)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	struct dirent *entry;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}

	while (!ret && (entry = readdir(dir))) {
		if (!parse_gpu_id(entry->d_name, &row->gpu_id))
			continue;
		ret = read_device(fd, entry->d_name, row);
		if (!ret)
			ret = add_row(rows, row);
	}
	closedir(dir);
	return ret;
}

int stat_of_directory(const char *path, struct stat_rows *rows)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat_row row;
	int ret = 0;

	*rows = (struct stat_rows){0};
	if (!dir)
		return -errno;

	while (!ret && (entry = readdir(dir))) {
		if (!parse_process(entry->d_name, &row))
			continue;
		ret = read_process(dirfd(dir), entry->d_name, &row, rows);
		if (ret == -EACCES || ret == -EPERM)
			rows->hidden++;
		if (ret == -EACCES || ret == -EPERM || has_ended(ret))
			ret = 0;
	}
	closedir(dir);
	if (ret)
		stat_free(rows);
	else if (rows->count)
		qsort(rows->rows, rows->count, sizeof(row), compare_rows);
	return ret;
}

/* ---- by call ------------------------------------------------------------ */

int stat_of_process(struct amdsvm_context *ctx, pid_t pid, struct stat_rows *rows)
{
	struct amdsvm_ioctl_get_device_counters_args args = {0};
	struct amdsvm_device_info *devices;
	struct stat_row row = { .pid = pid };
	size_t count, i;
	int ret;

	*rows = (struct stat_rows){0};
	ret = amdsvm_get_devices(ctx, &devices, &count);
	if (ret)
		return ret;
	for (i = 0; !ret && i < count; i++) {
		ret = amdsvm_get_device_counters(ctx, devices[i].gpu_id, &args);
		row.gpu_id = devices[i].gpu_id;
		memcpy(row.values, counter_values(&args), sizeof(row.values));
		if (!ret)
			ret = add_row(rows, &row);
	}
	amdsvm_free_devices(devices);
	if (ret)
		stat_free(rows);
	else if (rows->count)
		qsort(rows->rows, rows->count, sizeof(row), compare_rows);
	return ret;
}

/* ---- differences -------------------------------------------------------- */

static void subtract(struct stat_row *row, const struct stat_row *before)
{
	size_t i;

	/* One that fell is of another process, which has the number now. */
	for (i = 0; i < NCOUNTERS; i++)
		if (!counters[i].now && before->values[i] <= row->values[i])
			row->values[i] -= before->values[i];
}

int stat_between(const struct stat_rows *before, const struct stat_rows *now,
		 struct stat_rows *since)
{
	const struct stat_row *same;
	int ret = 0;
	size_t i;

	*since = (struct stat_rows){ .hidden = now->hidden };
	for (i = 0; i < now->count && !ret; i++) {
		ret = add_row(since, &now->rows[i]);
		same = ret || !before->count ? NULL :
		       bsearch(&now->rows[i], before->rows, before->count, sizeof(*same),
			       compare_rows);
		if (same)
			subtract(&since->rows[i], same);
	}
	return ret;
}
